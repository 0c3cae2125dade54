"""Behaviours that no profile can be folded from: set apart with a reason, and brought back.

Those listed, and released, name users as they are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.profiles.sound import UNSOUND
from app.storage.engine import Connection, Database
from app.storage.flags import bring_back

_PUT = f"""
WITH put AS (
    INSERT INTO quarantine (user_id, behavior_id, reason)
    SELECT u.user_id, p.behavior_id, p.reason FROM users u, unnest(%s::text[], %s::text[]) AS p(behavior_id, reason)
    WHERE u.user_id = %s
    ON CONFLICT (user_id, behavior_id) DO UPDATE SET reason = excluded.reason
    RETURNING user_id, behavior_id
)
UPDATE behaviors b SET flag = '{UNSOUND}' FROM put WHERE (b.user_id, b.behavior_id) = (put.user_id, put.behavior_id)
"""
_LIST = """
SELECT q.user_id, q.behavior_id, q.reason, extract(epoch FROM b.occurred_at)::float8, b.value, b.embedding
FROM quarantine q JOIN behaviors b USING (user_id, behavior_id)
WHERE (q.user_id, q.behavior_id) > (%s, %s) ORDER BY q.user_id, q.behavior_id LIMIT %s
"""


class Quarantined(NamedTuple):
    """`at` in seconds since 1970, `embedding` the raw float16 vector: both as they are in the log by now."""

    user_id: str
    behavior_id: str
    reason: str
    at: float
    value: float | None
    embedding: bytes | None


async def put_in_quarantine(db: Database, user_id: str, found: Sequence[tuple[str, str]]) -> None:
    """(behavior_id, reason) of a user by the id they came with. They are flagged, so that nobody reads them; what was
    folded with them is dropped.
    """
    whose = (await db.vault()).name(user_id)

    async def work(connection: Connection) -> None:
        await _lock(connection, whose)
        names, reasons = [name for name, _ in found], [reason for _, reason in found]
        await connection.execute(_PUT, [names, reasons, whose])
        await _forget(connection, whose)

    await db.retried(work)


async def release(db: Database, user_id: str, behavior_ids: Sequence[str], unreadable: Sequence[str]) -> None:
    """Back into profile and learning, as if just received; of the `unreadable` ones the vector is made anew."""

    async def work(connection: Connection) -> None:
        await _lock(connection, user_id)
        await connection.execute(
            "DELETE FROM quarantine WHERE user_id = %s AND behavior_id = ANY(%s)", [user_id, list(behavior_ids)]
        )
        await connection.execute(
            "UPDATE behaviors SET embedding = NULL, embedded_by = NULL WHERE user_id = %s AND behavior_id = ANY(%s)",
            [user_id, list(unreadable)],
        )
        await bring_back(connection, user_id, [UNSOUND], behavior_ids)

    await db.retried(work)


async def list_quarantined(db: Database, after: tuple[str, str], limit: int) -> list[Quarantined]:
    """By (user_id, behavior_id), behind `after`."""

    async def work(connection: Connection) -> list[Quarantined]:
        cursor = await connection.execute(_LIST, [*after, limit], binary=True)
        return [Quarantined._make(row) for row in await cursor.fetchall()]

    return await db.tried(work)


async def count_quarantined(db: Database) -> int:
    async def work(connection: Connection) -> int:
        (n,) = await (await connection.execute("SELECT count(*) FROM quarantine")).fetchone() or (0,)
        return int(n)

    return await db.tried(work)


async def _lock(connection: Connection, user_id: str) -> None:
    """As ingest does, before anything else of the user is touched."""
    await connection.execute("SELECT FROM users WHERE user_id = %s FOR UPDATE", [user_id])


async def _forget(connection: Connection, user_id: str) -> None:
    await connection.execute("DELETE FROM checkpoints WHERE user_id = %s", [user_id])
