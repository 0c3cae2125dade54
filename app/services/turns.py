"""Work that keeps the event loop busy for milliseconds takes turns."""

from __future__ import annotations

import asyncio


class Turns:
    """`async with turns:` around such work: between two of them the loop looks at everybody else once.

    Without it all who become ready together are worked on in one go, and who is to be sent away hears it only then.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            await asyncio.sleep(0)
        except BaseException:
            self._lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
