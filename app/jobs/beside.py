"""Slow work that the quick steps do not wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Run = Callable[[Any], Awaitable[int | None]]


class Beside:
    """Begins `run` and returns at once; a later call returns what came of it, or raises what it raised."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._task: asyncio.Task[int | None] | None = None

    async def __call__(self, ctx: Any) -> int | None:
        if self._task is None:
            self._task = asyncio.ensure_future(self._run(ctx))
        if not self._task.done():
            return None
        task, self._task = self._task, None
        return task.result()
