"""Every key wrapped with the newest master key, a batch at a time, while others read and write."""

from __future__ import annotations

from app.domain.errors import Locked
from app.privacy.encryption import MasterKeys
from app.storage.engine import Connection, Database
from app.storage.vault import lookup_of, rewrapped, wrapped_lookup

AT_ONCE = 500
_NEXT = """
SELECT user_id, sealed_key FROM users WHERE user_id > %s AND sealed_key IS NOT NULL ORDER BY user_id LIMIT %s
"""
# Not those who were erased, or erased and begun anew, since they were read.
_REWRAP = """
UPDATE users u SET sealed_key = v.fresh FROM unnest(%s::text[], %s::text[], %s::text[]) AS v(user_id, old, fresh)
WHERE u.user_id = v.user_id AND u.sealed_key = v.old
"""


async def rewrap_lookup(db: Database, master: MasterKeys) -> None:
    """The secret of the pseudonyms. Raises Locked where the database is not encrypted."""

    async def work(connection: Connection) -> None:
        row = await (await connection.execute("SELECT lookup FROM vault FOR UPDATE")).fetchone()
        if row is None:
            raise Locked("The database is not encrypted.", "There is no key in it to wrap anew.")
        await connection.execute("UPDATE vault SET lookup = %s", [wrapped_lookup(master, lookup_of(master, row[0]))])

    await db.retried(work)


async def rewrap_some(db: Database, master: MasterKeys, after: str) -> tuple[int, str | None]:
    """(how many users' keys were wrapped anew, the last user looked at or None at the end), behind a stored id."""

    async def work(connection: Connection) -> tuple[int, str | None]:
        rows = await (await connection.execute(_NEXT, [after, AT_ONCE])).fetchall()
        found = [(name, key, fresh) for name, key in rows if (fresh := rewrapped(master, name, key)) is not None]
        changed = await connection.execute(_REWRAP, [[row[column] for row in found] for column in range(3)])
        return changed.rowcount, rows[-1][0] if rows else None

    return await db.tried(work)
