"""When it is worth learning again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from app.domain.job import TRAIN
from app.evaluation.drift import N_BEFORE_DAYS, N_RECENT_DAYS, shift_of
from app.services.context import Context
from app.services.follow import GENERATORS
from app.services.jobs import submit_job
from app.storage.behaviors import count_behaviors, count_by_day
from app.storage.erasures import last_erasure
from app.storage.items import read_share
from app.storage.jobs import latest_job
from app.storage.models import LiveModel, list_models, live_model
from app.training.pipeline import FORMAT

# New behaviours that are enough, as a share of those that were learned from ...
ENOUGH = 0.1
# ... and how long fewer of them, or ones that keep pouring in as in an import, may wait. What is popular and what goes
# with what by its words is learned as behaviours arrive, so few can wait for long, unless what people want has moved.
FEW_WAIT_S = 6 * 3_600.0
MANY_WAIT_S = 60.0
DRIFT_EVERY_S = 3_600.0
# A model that was learned before this share of the items had vectors is learned anew when they have.
READ = 0.9
LONG_AGO = "0001-01-01T00:00:00+00:00"
# After a training that failed or that somebody cancelled.
REST = timedelta(minutes=10)


class RetrainOnNews:
    """Asks for training when enough is new and no more is pouring in, or when news have waited long enough."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._n_last = 0  # behaviours at the last look
        self._n_tried = 0  # and when training was asked for last, also when it found nothing to learn from
        self._forgot_at: datetime | None = None  # the erasure for which it was asked for last
        self._news_at: float | None = None
        self._drift_due_at = clock() + DRIFT_EVERY_S

    async def __call__(self, ctx: Context) -> int | None:
        """1 when a job was queued, None when it is not time.

        What is damaged on disk, or comes from a release that learned otherwise, is made anew at once.
        """
        if await self._rests(ctx):
            return None
        live = await live_model(ctx.db, GENERATORS)
        if live and not await _serves(ctx, live):
            return await self._ask(ctx)
        about = await _newest(ctx)
        read_since = about.get("read_share", 1.0) < READ <= await read_share(ctx.db, ctx.encoder.name)
        if read_since or (about and await self._must_forget(ctx, about)):
            return await self._ask(ctx)
        n = await count_behaviors(ctx.db)
        n_learned = max(int(about.get("n_log", 0)), self._n_tried)
        pouring, self._n_last = n != self._n_last, n
        if n <= n_learned:
            self._news_at = None
            return None
        if self._waited() < self._patience(n - n_learned, n_learned, pouring) and not await self._drifts(ctx):
            return None
        self._n_tried, self._news_at = n, None
        return await self._ask(ctx)

    async def _ask(self, ctx: Context) -> int:
        await submit_job(ctx.db, TRAIN)
        return 1

    async def _rests(self, ctx: Context) -> bool:
        """While a training waits or runs, and for a while after one that did not come to its end."""
        last = await latest_job(ctx.db, TRAIN)
        if last is None or last.status == "done":
            return False
        if last.status == "failed":
            self._n_tried, self._forgot_at = 0, None  # what it was to learn is still news
        return last.ended_at is None or ctx.now() - last.ended_at < REST

    async def _must_forget(self, ctx: Context, about: dict[str, Any]) -> bool:
        """Whether somebody was erased since the newest was learned; once for each, as there may be nobody left."""
        erased_at, read_at = await last_erasure(ctx.db), about.get("log_read_at", LONG_AGO)
        if erased_at is None or erased_at == self._forgot_at or datetime.fromisoformat(read_at) > erased_at:
            return False
        self._forgot_at = erased_at
        return True

    async def _drifts(self, ctx: Context) -> bool:
        """Whether everybody turns to something else; looked at once an hour."""
        if self._clock() < self._drift_due_at:
            return False
        self._drift_due_at = self._clock() + DRIFT_EVERY_S
        items, days, counts = await count_by_day(ctx.db, N_BEFORE_DAYS + N_RECENT_DAYS)
        shift = await asyncio.to_thread(shift_of, items, days, counts)
        return shift is not None and shift.drifting

    def _waited(self) -> float:
        if self._news_at is None:
            self._news_at = self._clock()
        return self._clock() - self._news_at

    def _patience(self, n_new: int, n_learned: int, pouring: bool) -> float:
        if n_new < ENOUGH * n_learned:
            return FEW_WAIT_S
        return MANY_WAIT_S if pouring else 0.0


async def _serves(ctx: Context, live: LiveModel) -> bool:
    if live.manifest["about"].get("format") != FORMAT:
        return False
    return await asyncio.to_thread(ctx.store.intact, live.manifest)


async def _newest(ctx: Context) -> dict[str, Any]:
    """What the newest model was made from, also when it lost."""
    newest = await list_models(ctx.db, GENERATORS, limit=1)
    return newest[0].manifest["about"] if newest else {}
