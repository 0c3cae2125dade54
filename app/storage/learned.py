"""Until where the log of each user was learned from, beside the one `online` model that knows it.

There is one row of that kind in `models`; whoever replaces it names it, so of two who learn at once one is stopped.
Its model and the marks of the users change in one transaction, or a behaviour could be counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from app.domain.errors import Conflict
from app.storage.behaviors import SOUND
from app.storage.engine import Connection, Database

KIND = "online"
# A behaviour is dated when its statement begins and seen when that ends: statements end after 20 s, or not at all.
OVERLAP_S = 60.0

_NEWS = """
    SELECT b.user_id FROM behaviors b
    JOIN users u ON u.user_id = b.user_id AND u.consent
    LEFT JOIN learned l ON l.user_id = b.user_id
    WHERE b.received_at >= to_timestamp(%s) AND b.seq > coalesce(l.seq, 0)
    GROUP BY b.user_id UNION SELECT user_id FROM unlearned LIMIT %s
"""
_UNLEARNED = """
    COPY (
        SELECT user_id, item_id, type, extract(epoch FROM occurred_at), value
        FROM unlearned WHERE user_id = ANY(%s) ORDER BY occurred_at, seq
    ) TO STDOUT (FORMAT csv)
"""
_ROWS = f"""
    COPY (
        SELECT b.user_id, b.item_id, b.type, extract(epoch FROM b.occurred_at), b.value
        FROM behaviors b JOIN users u ON u.user_id = b.user_id LEFT JOIN learned l ON l.user_id = b.user_id
        WHERE b.user_id = ANY(%s) AND b.item_id IS NOT NULL AND b.flag IS NULL AND u.consent
            AND b.seq {{side}} coalesce(l.seq, 0) AND {SOUND}
        ORDER BY b.occurred_at, b.seq
    ) TO STDOUT (FORMAT csv)
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What some users did, as CSV that `training.dataset.read_log` reads.

    First the `n_known` lines that were learned from, then those that were not, each part in order of time. `marks`
    are the places in the users' logs that the second one reaches to. `merged` are ids that have become another user's,
    and `merged_csv` what was learned of them: it comes as that user's.
    """

    csv: bytes
    n_known: int
    marks: dict[str, int]
    merged: list[str]
    merged_csv: bytes


async def start_learning(db: Database, about: Mapping[str, Any]) -> int:
    """Forgets all marks and the model they belong to; returns the version that `save_learned` asks for."""

    async def work(connection: Connection) -> int:
        await connection.execute("DELETE FROM models WHERE kind = %s", [KIND])
        await connection.execute("TRUNCATE learned, unlearned")
        return await _enter(connection, {"kind": KIND, "name": "", "files": {}, "about": dict(about)}, live=False)

    return await db.retried(work)


async def next_users(db: Database, after: str, limit: int) -> list[str]:
    """Users in order of their ids, those behind `after`."""

    async def work(connection: Connection) -> list[str]:
        cursor = await connection.execute(
            "SELECT user_id FROM users WHERE user_id > %s ORDER BY user_id LIMIT %s", [after, limit]
        )
        return [user_id for (user_id,) in await cursor.fetchall()]

    return await db.tried(work)


async def users_with_news(db: Database, since: float, limit: int) -> tuple[list[str], float]:
    """Some of those of whom something came after `since` (seconds since 1970) that was not learned from.

    With fewer than `limit` of them, what the second value says is where to look from next time.
    """

    async def work(connection: Connection) -> tuple[list[str], float]:
        (now,) = await (await connection.execute("SELECT extract(epoch FROM now())::float8")).fetchone() or (0.0,)
        cursor = await connection.execute(_NEWS, [since, limit])
        return [user_id for (user_id,) in await cursor.fetchall()], float(now) - OVERLAP_S

    return await db.tried(work)


async def load_told(db: Database, user_ids: Sequence[str]) -> Told:
    """All that is known of some users, seen at one moment. Only of those who consent, and nothing flagged."""
    async with db.connection() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        users = list(user_ids)
        known, n_known = await _copied(connection, _ROWS.format(side="<="), users)
        fresh, _ = await _copied(connection, _ROWS.format(side=">"), users)
        cursor = await connection.execute(
            "SELECT user_id, last_seq FROM users WHERE user_id = ANY(%s) AND merged_into IS NULL", [users]
        )
        marks = dict(await cursor.fetchall())
        cursor = await connection.execute("SELECT DISTINCT user_id FROM unlearned")
        merged = [user_id for (user_id,) in await cursor.fetchall()]
        merged_csv, _ = await _copied(connection, _UNLEARNED, merged)
        return Told(known + fresh, n_known, marks, merged, merged_csv)


async def save_marks(db: Database, version: int, told: Told) -> None:
    """On the way through all users. Raises Conflict when somebody else has begun to learn."""

    async def work(connection: Connection) -> None:
        cursor = await connection.execute("SELECT FROM models WHERE version = %s FOR UPDATE", [version])
        if not cursor.rowcount:
            raise _overtaken()
        await _mark(connection, told)

    await db.retried(work)


async def save_learned(db: Database, version: int, manifest: dict[str, Any], told: Told | None) -> int:
    """Makes a model that has taken what was told live, in place of `version`; returns its own version.

    Raises Conflict when that is no longer there.
    """

    async def work(connection: Connection) -> int:
        cursor = await connection.execute("DELETE FROM models WHERE version = %s", [version])
        if not cursor.rowcount:
            raise _overtaken()
        if told:
            await _mark(connection, told)
        return await _enter(connection, manifest, live=True)

    return await db.retried(work)


async def _copied(connection: Connection, statement: str, users: list[str]) -> tuple[bytes, int]:
    """CSV, and how many lines it has: an id may hold a line break."""
    cursor = connection.cursor()
    async with cursor.copy(statement, [users]) as copy:
        csv = b"".join([bytes(chunk) async for chunk in copy])
    return csv, cursor.rowcount


async def _mark(connection: Connection, told: Told) -> None:
    """A user who was deleted meanwhile gets none. Raises Conflict when one was merged: they came as somebody else."""
    await connection.execute(
        "INSERT INTO learned (user_id, seq)"
        " SELECT user_id, seq FROM unnest(%s::text[], %s::bigint[]) AS m(user_id, seq) JOIN users USING (user_id)"
        " ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq",
        [list(told.marks), list(told.marks.values())],
    )
    cursor = await connection.execute(
        "SELECT FROM users WHERE user_id = ANY(%s) AND merged_into IS NOT NULL LIMIT 1", [list(told.marks)]
    )
    if cursor.rowcount:
        raise Conflict("A user was merged while it was learned from.", "This goes on from what was saved last.")
    await connection.execute("DELETE FROM unlearned WHERE user_id = ANY(%s)", [told.merged])


async def _enter(connection: Connection, manifest: dict[str, Any], live: bool) -> int:
    cursor = await connection.execute(
        "INSERT INTO models (kind, manifest, promoted_at) VALUES (%s, %s, CASE WHEN %s THEN now() END)"
        " RETURNING version",
        [KIND, Jsonb(manifest), live],
    )
    (version,) = await cursor.fetchone() or (0,)
    return int(version)


def _overtaken() -> Conflict:
    return Conflict("Another process learns from the log too.", "This one goes on from what the other one saved.")
