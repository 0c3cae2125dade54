"""Long work beside the event loop, short work on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# About 5 ms of work on behaviours; a thread costs .1 ms.
MOST_INLINE = 500


async def beside(n: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` on `n` entries: in a thread where there are many, so that nobody else waits for all of them."""
    if n <= MOST_INLINE:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
