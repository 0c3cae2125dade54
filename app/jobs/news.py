"""When it is worth learning again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from app.services.context import Context
from app.services.follow import GENERATORS
from app.services.retrain import retrain
from app.storage.behaviors import count_behaviors
from app.storage.models import live_model

# New behaviours that are enough, as a share of those that were learned from ...
ENOUGH = 0.1
# ... and how long fewer of them, or ones that keep pouring in as in an import, may wait.
FEW_WAIT_S = 600.0
MANY_WAIT_S = 60.0


class RetrainOnNews:
    """Refits the generators when enough is new and no more is pouring in, or when news have waited long enough."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._n_last = 0  # behaviours at the last look
        self._n_tried = 0  # and at the last attempt, also one that found nothing to learn from
        self._news_at: float | None = None

    async def __call__(self, ctx: Context) -> int | None:
        """The new version, None when it is not time. What is damaged on disk is made anew at once."""
        live = await live_model(ctx.db, GENERATORS)
        if live and not await asyncio.to_thread(ctx.store.intact, live.manifest):
            return await retrain(ctx)
        n = await count_behaviors(ctx.db)
        n_learned = max(live.manifest["about"].get("n_log", 0) if live else 0, self._n_tried)
        pouring, self._n_last = n != self._n_last, n
        if n <= n_learned:
            self._news_at = None
            return None
        if self._waited() < self._patience(n - n_learned, n_learned, pouring):
            return None
        self._n_tried, self._news_at = n, None
        return await retrain(ctx)

    def _waited(self) -> float:
        if self._news_at is None:
            self._news_at = self._clock()
        return self._clock() - self._news_at

    def _patience(self, n_new: int, n_learned: int, pouring: bool) -> float:
        if n_new < ENOUGH * n_learned:
            return FEW_WAIT_S
        return MANY_WAIT_S if pouring else 0.0
