"""Whoever has just written an item wants the next answer to know it: many such callers share one step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from app.domain.errors import PortraitError

# A step takes milliseconds; one that reloads everything is not worth waiting for.
WAIT_S = 2.0


class CatchUp:
    """`step` brings in what has changed; it never runs twice at a time here."""

    def __init__(self, step: Callable[[], Awaitable[None]]) -> None:
        self._step = step
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        """Returns when a step that began after this call is done, or after 2 s. Never raises: what was written stays
        written, and the follower comes by again.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._run())
        await asyncio.wait({self._next}, timeout=WAIT_S)

    async def _run(self) -> None:
        async with self._lock:
            self._next = None  # who calls from now on may have written after this step has read
            try:
                await self._step()
            except PortraitError:
                return
