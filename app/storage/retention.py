"""Behaviours that are older than is kept of their type leave the logs, some at a time."""

from __future__ import annotations

from app.storage.engine import Connection, Database

# So many go in one transaction, so that nobody who waits for their user waits long.
AT_ONCE = 5_000
_OLD = """
SELECT user_id, behavior_id FROM behaviors
WHERE type = %s AND occurred_at < now() - make_interval(secs => %s) LIMIT %s
"""
_DELETE = """
WITH old AS (SELECT * FROM unnest(%s::text[], %s::text[]) AS o(user_id, behavior_id)),
apart AS (
    DELETE FROM quarantine q USING old WHERE q.user_id = old.user_id AND q.behavior_id = old.behavior_id
),
gone AS (
    DELETE FROM behaviors b USING old WHERE b.user_id = old.user_id AND b.behavior_id = old.behavior_id
    RETURNING b.user_id
)
UPDATE users u SET n_behaviors = n_behaviors - g.n, last_seq = last_seq + 1, updated_at = now()
FROM (SELECT user_id, count(*) AS n FROM gone GROUP BY user_id) g WHERE u.user_id = g.user_id
RETURNING g.n
"""


async def forget_behaviors(db: Database, type_: str, days: float) -> int:
    """Removes some of those of a type that are older; returns how many.

    Each of their users gets a new version and loses what was folded, so that the next reader folds what is left.
    """

    async def work(connection: Connection) -> int:
        await connection.execute("SET LOCAL statement_timeout = 0")
        old = await (await connection.execute(_OLD, [type_, days * 86_400, AT_ONCE])).fetchall()
        if not old:
            return 0
        # The users first, in sorted order as ingest does: `save_checkpoint` waits and then sees a newer version.
        users = sorted({user_id for user_id, _ in old})
        await connection.execute("SELECT FROM users WHERE user_id = ANY(%s) ORDER BY user_id FOR UPDATE", [users])
        cursor = await connection.execute(_DELETE, [[row[column] for row in old] for column in range(2)])
        n_gone = sum([int(n) for (n,) in await cursor.fetchall()])
        await connection.execute("DELETE FROM checkpoints WHERE user_id = ANY(%s)", [users])
        return n_gone

    return await db.retried(work)
