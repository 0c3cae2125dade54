"""Nothing is kept longer than the settings say of its type."""

from __future__ import annotations

from app.services.context import Context
from app.storage.retention import forget_behaviors


async def forget_old_behaviors(ctx: Context) -> int:
    """Some of those that are too old, of every type with a limit; returns how many."""
    return sum([await forget_behaviors(ctx.db, type_, days) for type_, days in ctx.ingest.retention.items()])
