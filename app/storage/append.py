"""How behaviours enter the log.

A batch is one statement, so it is one transaction and one round trip. It travels as JSON, which is the cheapest way in
(82k rows/s against 52k as arrays and 61k through COPY into a staging table). The upsert of `users` locks the users of
the batch in sorted order and hands out their next places, so commit order equals `seq` order for each user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from psycopg import errors

from app.domain.behavior import Behavior
from app.ingest.screen import DAY_S, MINUTE_S
from app.storage.behaviors import TEXT, shut
from app.storage.beside import beside
from app.storage.engine import Connection, Database
from app.storage.standings import Standings
from app.storage.vault import Seal, Vault

_EXTRA = ("recommendation_id", "session_id", "scenario", "context")
_encode = msgspec.json.Encoder().encode

_RECORD = """json_to_recordset(%s::json) AS sent(place int, user_id text, behavior_id text, type text,
    occurred_at timestamptz, timed bool, item_id text, text text, value float8, extra jsonb, flag text,
    embedding bytea, embedded_by text)"""

# The lookup in `fresh` is a scalar subquery on purpose: the planner cannot turn it into a scan of the whole log while
# its statistics still say that the log is empty.
_STORE = f"""
WITH sent AS MATERIALIZED (SELECT * FROM {_RECORD}),
fresh AS MATERIALIZED (
    SELECT sent.*,
        floor(extract(epoch FROM occurred_at) / {MINUTE_S})::int AS minute_no,
        floor(extract(epoch FROM occurred_at) / {DAY_S})::int AS day_no,
        row_number() OVER (PARTITION BY user_id ORDER BY place DESC) AS nth_last
    FROM sent
    WHERE NOT coalesce(
        (SELECT true FROM behaviors b WHERE b.user_id = sent.user_id AND b.behavior_id = sent.behavior_id), false)
),
beginning AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s::json) AS b(user_id text, pseudonym text, erased_at timestamptz, last_seq bigint)
),
sealed AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s::json) AS s(user_id text, sealed_key text, sealed_id text)
),
added AS (
    SELECT user_id, count(*) AS n,
        max(minute_no) AS minute_no, cardinality(array_positions(array_agg(minute_no), max(minute_no))) AS n_minute,
        max(day_no) AS day_no, cardinality(array_positions(array_agg(day_no), max(day_no))) AS n_day
    FROM fresh GROUP BY user_id
),
handed AS (
    INSERT INTO users AS u (user_id, last_seq, minute_no, n_minute, day_no, n_day, erased_at, sealed_key,
        sealed_id)
    SELECT user_id, n + coalesce(last_seq, 0), minute_no, n_minute, day_no, n_day, erased_at, sealed_key, sealed_id
    FROM added LEFT JOIN beginning USING (user_id) LEFT JOIN sealed USING (user_id) ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE SET
        last_seq = u.last_seq + excluded.last_seq,
        n_minute = CASE WHEN excluded.minute_no >= u.minute_no THEN excluded.n_minute ELSE 0 END
                 + CASE WHEN excluded.minute_no <= u.minute_no THEN u.n_minute ELSE 0 END,
        minute_no = greatest(u.minute_no, excluded.minute_no),
        n_day = CASE WHEN excluded.day_no >= u.day_no THEN excluded.n_day ELSE 0 END
              + CASE WHEN excluded.day_no <= u.day_no THEN u.n_day ELSE 0 END,
        day_no = greatest(u.day_no, excluded.day_no),
        updated_at = now()
    WHERE u.merged_into IS NULL AND u.consent AND u.erase_job IS NULL
        AND u.erased_at IS NOT DISTINCT FROM excluded.erased_at
        AND u.sealed_key IS NOT DISTINCT FROM excluded.sealed_key
    RETURNING user_id, last_seq, created_at = now() AS is_new
),
checked AS MATERIALIZED (
    SELECT begin_users(array_agg(decode(pseudonym, 'hex')), array_agg(erased_at)) AS all_well
    FROM handed LEFT JOIN beginning USING (user_id) WHERE is_new
),
stored AS (
    INSERT INTO behaviors (user_id, behavior_id, seq, type, occurred_at, timed, item_id, text, value, extra, flag,
        embedding, embedded_by)
    SELECT user_id, behavior_id, last_seq + 1 - nth_last, type, occurred_at, timed, item_id, text, value, extra, flag,
        embedding, embedded_by
    FROM fresh JOIN handed USING (user_id) WHERE (SELECT all_well FROM checked)
    ON CONFLICT (user_id, behavior_id) DO NOTHING
    RETURNING user_id, behavior_id
)
SELECT place, user_id IN (SELECT user_id FROM added) AND user_id NOT IN (SELECT user_id FROM handed)
FROM sent LEFT JOIN stored USING (user_id, behavior_id) WHERE stored.user_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """Places in the batch: those `known` before, and those `turned_away` because their user is not as was said."""

    known: list[int]
    turned_away: list[int]


async def store_behaviors(
    db: Database,
    behaviors: Sequence[Behavior],
    embeddings: Mapping[int, bytes],
    encoder: str,
    standings: Standings,
) -> Stored:
    """Appends to the logs of the users. No two of the batch may share user_id and behavior_id.

    `embeddings` are raw float16 vectors by place, `standings` are those of the users. Whoever has meanwhile become
    another's alias, withdrawn consent, been erased or got another key is turned away, and of a batch with somebody who
    has vanished all.
    """
    vault = await db.vault()
    body = await beside(len(behaviors), _body_of, vault, standings, behaviors, embeddings, encoder)
    begin = _encode([one._asdict() | {"user_id": vault.name(one.user_id)} for one in standings.beginnings]).decode()
    keys = [{"user_id": vault.name(user_id)} | one._asdict() for user_id, one in standings.sealed.items()]
    sealed = _encode(keys if vault.seals else []).decode()

    async def work(connection: Connection) -> list[tuple[Any, ...]]:
        cursor = await connection.execute(_STORE, [body, begin, sealed])
        return await cursor.fetchall()

    try:
        rows = await db.tried(work)
    except errors.NoDataFound:  # raised by `begin_users`
        return Stored([], list(range(len(behaviors))))
    return Stored([place for place, away in rows if not away], [place for place, away in rows if away])


def _body_of(
    vault: Vault, standings: Standings, behaviors: Sequence[Behavior], embeddings: Mapping[int, bytes], encoder: str
) -> str:
    seals = {user_id: _seal_of(vault, standings, user_id) for user_id in {one.user_id for one in behaviors}}
    rows = [
        _sent(place, seals[behavior.user_id], behavior, embeddings.get(place), encoder)
        for place, behavior in enumerate(behaviors)
    ]
    return _encode(rows).decode()


def _seal_of(vault: Vault, standings: Standings, user_id: str) -> Seal:
    found = standings.sealed.get(user_id)
    return vault.seal(vault.name(user_id), found.sealed_key if found else None)


def _sent(place: int, seal: Seal, behavior: Behavior, embedding: bytes | None, encoder: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "place": place,
        "user_id": seal.name,
        "behavior_id": behavior.behavior_id,
        "type": behavior.type,
        "occurred_at": behavior.occurred_at,
        "timed": behavior.timed,
        "item_id": behavior.item_id,
        "text": seal.words(TEXT, behavior.text),
        "value": behavior.value,
        "flag": behavior.flag,
    }
    extra = {name: value for name in _EXTRA if (value := getattr(behavior, name)) is not None}
    if extra:
        row["extra"] = shut(seal, extra)
    if embedding is not None:
        row |= {"embedding": "\\x" + embedding.hex(), "embedded_by": encoder}
    return row
