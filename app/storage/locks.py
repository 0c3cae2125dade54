"""One process among many does what must be done once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.storage.engine import Database


@asynccontextmanager
async def leader(db: Database, name: str) -> AsyncIterator[bool]:
    """True for the one process that holds the lock; Postgres frees it when that process ends, however it ends."""
    connection = await db.connect()
    try:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        (held,) = await cursor.fetchone() or (False,)
        yield bool(held)
    finally:
        await connection.close()
