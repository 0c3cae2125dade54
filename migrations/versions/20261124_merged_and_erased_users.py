"""Users with several ids, and users who were erased. The release before knows neither and makes neither.

The columns are added without a value for the rows that are there, so nothing is rewritten.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_people"
down_revision = "20261125_edits"
branch_labels = None
depends_on = None

# Called by the statement that appends to the log, for the users who begin with it. Being volatile it sees what was
# committed while that statement waited, which the statement itself does not: an erasure that came between stays one.
_BEGIN = """
CREATE FUNCTION begin_users(pseudonyms bytea[], erased_at timestamptz[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unnest($1, $2) AS told(pseudonym, erased_at) LEFT JOIN erasures e USING (pseudonym)
        WHERE told.pseudonym IS NULL OR told.erased_at IS DISTINCT FROM e.erased_at
    ) THEN
        RAISE EXCEPTION 'a user was erased meanwhile' USING ERRCODE = 'no_data_found';
    END IF;
    RETURN true;
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("users", sa.Column("merged_into", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("merged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("erase_job", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    for column in ("merged_into", "erase_job"):
        op.create_index(
            f"ix_users_{column}", "users", [column], unique=False, postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    op.create_table(
        "unlearned",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("behavior_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_unlearned_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "behavior_id", name=op.f("pk_unlearned")),
    )
    op.create_table(
        "erasures",
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("behaviors", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_deleted_at", "erasures", ["deleted_at"], unique=False)
    op.execute(_BEGIN)
