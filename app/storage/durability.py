"""Whether a committed behaviour survives a power cut."""

from __future__ import annotations

from app.storage.engine import Connection, Database


async def unsafe_settings(db: Database) -> list[str]:
    """The names of the server's settings that are off and must not be."""

    async def work(connection: Connection) -> list[str]:
        cursor = await connection.execute(
            "SELECT name FROM pg_settings WHERE setting = 'off'"
            " AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
        )
        return [name for (name,) in await cursor.fetchall()]

    return await db.tried(work)
