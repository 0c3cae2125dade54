"""Screening can be wrong: what it has flagged comes back."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.errors import NotFound
from app.storage.engine import Connection, Database

# They come as if they had just been received: what learns as behaviours arrive looks at nothing else.
_BRING_BACK = """
WITH back AS (
    SELECT behavior_id, row_number() OVER (ORDER BY seq) AS n FROM behaviors
    WHERE user_id = %(user)s AND flag = ANY(%(flags)s) AND behavior_id = ANY(coalesce(%(ids)s, ARRAY[behavior_id]))
)
UPDATE behaviors b SET flag = NULL, seq = u.last_seq + back.n, received_at = now()
FROM back, users u WHERE b.user_id = %(user)s AND b.behavior_id = back.behavior_id AND u.user_id = b.user_id
"""


async def lift_flags(db: Database, user_id: str) -> int:
    """How many behaviours of a user count again, in profile, statistics and learning.

    Raises NotFound `user_unknown`.
    """
    name = (await db.vault()).name(user_id)

    async def work(connection: Connection) -> int:
        cursor = await connection.execute("SELECT FROM users WHERE user_id = %s FOR UPDATE", [name])
        if await cursor.fetchone() is None:
            raise NotFound("No user has this id.", "Check the id.", code="user_unknown")
        return await bring_back(connection, name, ["robot", "burst"])

    return await db.retried(work)


async def bring_back(
    connection: Connection, name: str, flags: Sequence[str], behavior_ids: Sequence[str] | None = None
) -> int:
    """Takes the flags off a user's behaviours, or off some of them, and drops what was folded without them.

    `name` is the stored id of a user whose row is locked. Returns how many there were.
    """
    ids = None if behavior_ids is None else list(behavior_ids)
    found = {"user": name, "flags": list(flags), "ids": ids}
    n = (await connection.execute(_BRING_BACK, found)).rowcount
    await connection.execute(
        "UPDATE users SET last_seq = last_seq + %s, updated_at = now() WHERE user_id = %s", [n, name]
    )
    await connection.execute("DELETE FROM checkpoints WHERE user_id = %s", [name])
    return n
