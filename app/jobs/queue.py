"""A queue of jobs of some kinds, one at a time, beside the quick steps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from app.domain.errors import PortraitError
from app.domain.job import LONG, JobKind
from app.jobs.run import run_job
from app.services.context import Context
from app.storage.jobs import claimed, has_queued

log = logging.getLogger(__name__)


class Queue:
    """A job that has begun goes on when this process no longer leads: its own lock holds it."""

    def __init__(self, ctx: Context, stop: asyncio.Event, kinds: Sequence[JobKind] = LONG) -> None:
        self._ctx = ctx
        self._kinds = kinds
        self._stop = stop
        self._running: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Begins the job that has waited longest, unless one runs."""
        if (self._running is None or self._running.done()) and await has_queued(self._ctx.db, self._kinds):
            self._running = asyncio.create_task(self._run_next())

    async def ended(self) -> None:
        """After `stop` was set: waits until the job that runs is back in the queue."""
        if self._running:
            await self._running

    async def _run_next(self) -> None:
        try:
            async with claimed(self._ctx.db, kinds=self._kinds) as job:
                if job:
                    await run_job(self._ctx, job, self._stop)
        except PortraitError as error:  # its lock is free now, so the next leader takes it back
            log.warning("a job was left behind: %s", error.detail)
        except Exception as error:
            log.error("a job was left behind: %s", type(error).__name__)
