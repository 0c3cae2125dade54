"""Screening can be wrong: what it has flagged comes back."""

from __future__ import annotations

from app.domain.errors import NotFound
from app.storage.engine import Connection, Database

# They come as if they had just been received: what learns as behaviours arrive looks at nothing else.
_LIFT = """
WITH flagged AS (
    SELECT behavior_id, row_number() OVER (ORDER BY seq) AS n FROM behaviors
    WHERE user_id = %(user)s AND flag IN ('robot', 'burst')
)
UPDATE behaviors b SET flag = NULL, seq = %(last)s + f.n, received_at = now()
FROM flagged f WHERE b.user_id = %(user)s AND b.behavior_id = f.behavior_id
"""


async def lift_flags(db: Database, user_id: str) -> int:
    """How many behaviours of a user count again, in profile, statistics and learning.

    Raises NotFound `user_unknown`.
    """
    name = (await db.vault()).name(user_id)

    async def work(connection: Connection) -> int:
        cursor = await connection.execute("SELECT last_seq FROM users WHERE user_id = %s FOR UPDATE", [name])
        row = await cursor.fetchone()
        if row is None:
            raise NotFound("No user has this id.", "Check the id.", code="user_unknown")
        n = (await connection.execute(_LIFT, {"user": name, "last": row[0]})).rowcount
        await connection.execute(
            "UPDATE users SET last_seq = last_seq + %s, updated_at = now() WHERE user_id = %s", [n, name]
        )
        await connection.execute("DELETE FROM checkpoints WHERE user_id = %s", [name])
        return n

    return await db.retried(work)
