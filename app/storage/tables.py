"""The tables. `user_id` leads every user-owned key, so that they can be sharded by user."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _at(name: str, **options: object) -> Column[object]:
    return Column(name, DateTime(timezone=True), **options)  # type: ignore[arg-type]


def _now(name: str) -> Column[object]:
    return _at(name, nullable=False, server_default=text("now()"))


users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    # How many behaviours have entered the log; a trigger counts them. Whoever removes or moves some counts them off
    # here, in the same transaction: what is missing otherwise is lost, and `portrait verify` says so.
    Column("n_behaviors", BigInteger, nullable=False, server_default=text("0")),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("consent", Boolean, nullable=False, server_default=text("true")),
    # What screening remembers: how many behaviours fell into the user's latest minute and latest day.
    # Minutes and days are counted since 1970.
    Column("minute_no", Integer, nullable=False, server_default=text("-2147483648")),
    Column("n_minute", Integer, nullable=False, server_default=text("0")),
    Column("day_no", Integer, nullable=False, server_default=text("-2147483648")),
    Column("n_day", Integer, nullable=False, server_default=text("0")),
    # Another id of this user: what is posted for it, and read of it, is theirs. Never the id of an alias itself.
    Column("merged_into", Text),
    _at("merged_at"),
    Column("erase_job", Text),  # the job that will erase the user, who is not to be seen from here on
    _at("erased_at"),  # of a user who began anew: when the one before was erased
    # Where the database is encrypted: the user's data key, wrapped by the master key, and the id they came with.
    Column("sealed_key", Text),
    Column("sealed_id", Text),
    _now("created_at"),
    _now("updated_at"),
    Index("ix_users_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    Index("ix_users_erase_job", "erase_job", postgresql_where=text("erase_job IS NOT NULL")),
)

# One row where users are stored encrypted, none where they are not.
vault = Table(
    "vault",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("lookup", Text, nullable=False),  # the secret of the pseudonyms, wrapped by the master key
    Column("complete", Boolean, nullable=False, server_default=text("true")),  # false while `portrait encrypt` is at it
    _now("begun_at"),
    CheckConstraint("one", name="ck_vault_one"),
)

behaviors = Table(
    "behaviors",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("behavior_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    _at("occurred_at", nullable=False),
    Column("timed", Boolean, nullable=False),
    Column("item_id", Text),
    Column("text", Text),
    Column("value", Float),
    # session_id, scenario, recommendation_id and context, where given
    Column("extra", JSONB),
    Column("flag", Text),
    Column("embedding", LargeBinary),  # raw float16 vector of `text`
    Column("embedded_by", Text),
    _now("received_at"),
    Index("ix_behaviors_user_id_seq", "user_id", "seq"),
    Index("ix_behaviors_occurred_at", "occurred_at", postgresql_using="brin"),
    # Who has news for learning: the log only grows at its end, so a few bytes a megabyte are enough.
    Index("ix_behaviors_received_at", "received_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    # What came of a recommendation: few behaviours name one.
    Index(
        "ix_behaviors_recommendation_id",
        text("(extra ->> 'recommendation_id'::text)"),
        postgresql_where=text("(extra ->> 'recommendation_id'::text) IS NOT NULL"),
    ),
    # Which texts still wait for this encoder: few behaviours have one, so this stays small.
    Index("ix_behaviors_embedded_by", "embedded_by", postgresql_where=text("text <> ''")),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("fold_key", Text, nullable=False),  # the rules it was folded by; another key is no checkpoint
    Column("state", LargeBinary, nullable=False),
)

# Behaviours that no profile can be folded from, each flagged in the log so that everybody passes over it.
quarantine = Table(
    "quarantine",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("behavior_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    _now("quarantined_at"),
)

learned = Table(
    "learned",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, nullable=False),  # until here the live `online` model has taken the user's log
)

# A cache: the summary of a profile in a language model's words, and of whom one is wanted.
narrations = Table(
    "narrations",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("profile_hash", Text, nullable=False),  # of the claims it was written of; with others it is not shown
    Column("generated_by", Text, nullable=False),
    Column("text", Text, nullable=False),
    _now("created_at"),
)

narrations_wanted = Table(
    "narrations_wanted",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("profile_hash", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("n_tries", Integer, nullable=False, server_default=text("0")),
    Column("refused", Text),  # why the last try was not good enough
    _now("wanted_at"),
    _now("try_at"),
    Index("ix_narrations_wanted_wanted_at", "wanted_at"),
)

# What a person changed in a profile by hand. A row never changes, but for its withdrawal, which comes once, and for the
# vector of its wish.
edits = Table(
    "edits",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("edit_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("rules", JSONB, nullable=False),  # action, kind, target, label and matched of each
    Column("text", Text),  # of a statement
    Column("wish", Text, nullable=False, server_default=text("''")),
    Column("embedding", LargeBinary),  # raw float16 vector of `wish`
    Column("embedded_by", Text),
    _now("created_at"),
    _at("expires_at"),
    _at("reverted_at"),
    Column("reverted_seq", BigInteger),
    # Which wishes still wait for this encoder.
    Index("ix_edits_embedded_by", "embedded_by", postgresql_where=text("wish <> ''")),
)

unlearned = Table(
    "unlearned",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("behavior_id", Text, primary_key=True),
    # What the live `online` model learned of an id that became another's; it is taken back with the next step.
    Column("seq", BigInteger, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    _at("occurred_at", nullable=False),
    Column("value", Float),
)

# Who was erased, told by a keyed hash: without the secret nobody can say whom it stands for.
erasures = Table(
    "erasures",
    metadata,
    Column("pseudonym", LargeBinary, primary_key=True),
    _at("erased_at", nullable=False),  # when it was asked for
    _at("deleted_at", nullable=False),
    Column("last_seq", BigInteger, nullable=False),  # versions go on behind it, so that nothing kept of old ones fits
    # Keyed hashes of the behaviours whose time does not tell that they are older than the erasure.
    Column("behaviors", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("job_id", Text, nullable=False),
    Column("receipt", JSONB),  # NULL for another id of the same user
    Index("ix_erasures_deleted_at", "deleted_at"),
)

items = Table(
    "items",
    metadata,
    Column("item_id", Text, primary_key=True),
    Column("title", Text, nullable=False, server_default=text("''")),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("categories", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("domain", Text),
    Column("available", Boolean, nullable=False, server_default=text("true")),
    _at("published_at"),
    Column("embedding", LargeBinary),  # raw float16 vector of the item's text; NULL means waiting for the encoder
    Column("embedded_by", Text),
    _now("created_at"),
    _now("updated_at"),
    Index("ix_items_embedded_by", "embedded_by"),
    Index(
        "ix_items_words",
        text("to_tsvector('simple'::regconfig, (title || ' '::text) || description)"),
        postgresql_using="gin",
    ),
)

item_changes = Table(
    "item_changes",
    metadata,
    Column("change_no", BigInteger, Identity(always=True), primary_key=True),
    Column("item_id", Text, nullable=False),
    _now("changed_at"),
)

models = Table(
    "models",
    metadata,
    Column("version", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),  # `space` (index and whitening), `generators`, `online` or `encoder`
    Column("manifest", JSONB, nullable=False),  # file names with sizes and SHA-256, and what it was made from
    Column("verdict", JSONB),  # promoted, reasons, figures; NULL where nothing was judged
    _now("created_at"),
    _at("promoted_at"),
    Index("ix_models_kind_promoted_at", "kind", "promoted_at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Text, primary_key=True),  # begins with the time, so that later ones sort behind
    Column("kind", Text, nullable=False),
    Column("parameters", JSONB, nullable=False, server_default=text("'{}'")),
    Column("status", Text, nullable=False, server_default=text("'queued'")),
    Column("progress", Float, nullable=False, server_default=text("0")),
    Column("stage", Text, nullable=False, server_default=text("''")),
    Column("log", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("result", JSONB),
    Column("error", Text),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("n_starts", Integer, nullable=False, server_default=text("0")),
    _now("created_at"),
    _at("started_at"),
    _at("ended_at"),
    # Looked at every second, and nearly always empty.
    Index("ix_jobs_open", "created_at", postgresql_where=text("ended_at IS NULL")),
)

recommendations = Table(
    "recommendations",
    metadata,
    Column("recommendation_id", Text, primary_key=True),
    Column("user_id", Text),  # NULL for visitors and for those without consent
    Column("scenario", Text),
    Column("variant", Text),
    _at("generated_at", nullable=False),
    _at("asked_at"),  # the moment it was asked for, where that was not the present
    Column("profile_version", BigInteger, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("space_version", Text, nullable=False),
    Column("catalogue_version", BigInteger, nullable=False),
    Column("wish", JSONB, nullable=False),
    Column("degraded", Boolean, nullable=False),
    Column("fallback_reason", Text),
    Column("items", JSONB, nullable=False),  # [[item_id, score, source, propensity or null], ...] in their order
    Index("ix_recommendations_user_id_generated_at", "user_id", "generated_at"),
    # What is old, and what was shown in a span: rows come in order of time.
    Index(
        "ix_recommendations_generated_at",
        "generated_at",
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    ),
)

scenarios = Table(
    "scenarios",
    metadata,
    Column("name", Text, primary_key=True),
    Column("settings", JSONB, nullable=False),  # as they were put
    _now("updated_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the secret
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("rate_limit", Integer),  # requests a minute; NULL: what the settings say
    _now("created_at"),
    _at("expires_at"),
    _at("revoked_at"),  # the row stays: once there was a key, nobody comes in without one
    _at("last_used_at"),  # to the hour
)

# What releases with differential privacy have cost each day of the users: a row for each release and day, for good.
budget = Table(
    "budget",
    metadata,
    Column("debit_no", BigInteger, Identity(always=True), primary_key=True),
    Column("day", Date, nullable=False),
    Column("epsilon", Float, nullable=False),
    Column("about", JSONB, nullable=False),
    _now("debited_at"),
    Index("ix_budget_day", "day"),
)
