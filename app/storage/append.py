"""How behaviours enter the log.

A batch is one statement, so it is one transaction and one round trip. It travels as JSON, which is the cheapest way in
(82k rows/s against 52k as arrays and 61k through COPY into a staging table). The upsert of `users` locks the users of
the batch in sorted order and hands out their next places, so commit order equals `seq` order for each user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from app.domain.behavior import Behavior
from app.ingest.screen import DAY_S, MINUTE_S, Pace
from app.storage.beside import beside
from app.storage.engine import Connection, Database

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
added AS (
    SELECT user_id, count(*) AS n,
        max(minute_no) AS minute_no, cardinality(array_positions(array_agg(minute_no), max(minute_no))) AS n_minute,
        max(day_no) AS day_no, cardinality(array_positions(array_agg(day_no), max(day_no))) AS n_day
    FROM fresh GROUP BY user_id
),
handed AS (
    INSERT INTO users AS u (user_id, last_seq, minute_no, n_minute, day_no, n_day)
    SELECT user_id, n, minute_no, n_minute, day_no, n_day FROM added ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE SET
        last_seq = u.last_seq + excluded.last_seq,
        n_minute = CASE WHEN excluded.minute_no >= u.minute_no THEN excluded.n_minute ELSE 0 END
                 + CASE WHEN excluded.minute_no <= u.minute_no THEN u.n_minute ELSE 0 END,
        minute_no = greatest(u.minute_no, excluded.minute_no),
        n_day = CASE WHEN excluded.day_no >= u.day_no THEN excluded.n_day ELSE 0 END
              + CASE WHEN excluded.day_no <= u.day_no THEN u.n_day ELSE 0 END,
        day_no = greatest(u.day_no, excluded.day_no),
        updated_at = now()
    RETURNING user_id, last_seq
),
stored AS (
    INSERT INTO behaviors (user_id, behavior_id, seq, type, occurred_at, timed, item_id, text, value, extra, flag,
        embedding, embedded_by)
    SELECT user_id, behavior_id, last_seq + 1 - nth_last, type, occurred_at, timed, item_id, text, value, extra, flag,
        embedding, embedded_by
    FROM fresh JOIN handed USING (user_id)
    ON CONFLICT (user_id, behavior_id) DO NOTHING
    RETURNING user_id, behavior_id
)
SELECT place FROM sent LEFT JOIN stored USING (user_id, behavior_id) WHERE stored.user_id IS NULL
"""


async def load_paces(db: Database, user_ids: Sequence[str]) -> dict[str, Pace]:
    """What screening remembers of the users; nothing for those who are new."""

    async def work(connection: Connection) -> dict[str, Pace]:
        cursor = await connection.execute(
            "SELECT user_id, minute_no, n_minute, day_no, n_day FROM users WHERE user_id = ANY(%s)", [list(user_ids)]
        )
        return {user_id: Pace(*numbers) for user_id, *numbers in await cursor.fetchall()}

    return await db.tried(work)


async def store_behaviors(
    db: Database, behaviors: Sequence[Behavior], embeddings: Mapping[int, bytes], encoder: str
) -> list[int]:
    """Appends to the logs of the users; returns the places (in the batch) of those that were there before.

    `embeddings` are raw float16 vectors by place. No two of the batch may share user_id and behavior_id.
    """
    body = await beside(len(behaviors), _body_of, behaviors, embeddings, encoder)

    async def work(connection: Connection) -> list[int]:
        cursor = await connection.execute(_STORE, [body])
        return [place for (place,) in await cursor.fetchall()]

    return await db.tried(work)


def _body_of(behaviors: Sequence[Behavior], embeddings: Mapping[int, bytes], encoder: str) -> str:
    rows = [_sent(place, behavior, embeddings.get(place), encoder) for place, behavior in enumerate(behaviors)]
    return _encode(rows).decode()


def _sent(place: int, behavior: Behavior, embedding: bytes | None, encoder: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "place": place,
        "user_id": behavior.user_id,
        "behavior_id": behavior.behavior_id,
        "type": behavior.type,
        "occurred_at": behavior.occurred_at,
        "timed": behavior.timed,
        "item_id": behavior.item_id,
        "text": behavior.text,
        "value": behavior.value,
        "flag": behavior.flag,
    }
    extra = {name: value for name in _EXTRA if (value := getattr(behavior, name)) is not None}
    if extra:
        row["extra"] = extra
    if embedding is not None:
        row |= {"embedding": "\\x" + embedding.hex(), "embedded_by": encoder}
    return row
