"""Somebody wants to be forgotten: hidden at once, deleted by a job within seconds, with a receipt."""

from __future__ import annotations

import asyncio
from typing import Any

from app.domain.errors import NotFound, Unavailable
from app.domain.job import Job
from app.domain.progress import Progress
from app.services.context import Context
from app.storage import erasures

RETRY_EVERY_S = 1.0


async def ask_erasure(ctx: Context, user_id: str) -> Job:
    """Asking again gives the same job. Raises NotFound `user_unknown`."""
    return await erasures.ask_erasure(ctx.db, user_id)


async def erase_user(ctx: Context, job_id: str, progress: Progress) -> dict[str, Any]:
    """The receipt. Goes on trying while the database is away or rows are held; raises NotFound without such a user."""
    while True:
        progress(0.0, "delete")
        try:
            receipt = await erasures.erase(ctx.db, ctx.secret, job_id)
        except Unavailable:
            await asyncio.sleep(RETRY_EVERY_S)
            continue
        if receipt is None:
            raise NotFound("Another job has erased the user.", "Its result is the receipt.", code="user_unknown")
        return receipt
