"""Nobody waits for a server that has fallen silent: a connection over which nothing comes is cut.

A network that swallows packets, or a proxy that stands still, ends no connection and answers no statement. A statement
that merely takes long is left alone: who decides is whether the server still greets a new connection.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection

WATCH_AFTER_S = 1.5  # callers must know within 3 s, and a statement that takes longer is rare
GREETED_WITHIN_S = 0.9  # a new connection takes 5 ms, on a busy machine some 100
_HEARD_WITHIN_S = 0.2

Connections = Callable[[], Iterable[AsyncConnection[Any]]]


class Watch:
    """`greet` opens a new connection and closes it; however it ends, somebody has answered."""

    def __init__(self, greet: Callable[[], Awaitable[None]]) -> None:
        self._greet = greet
        self._greeting: asyncio.Task[None] | None = None
        self._watching: set[asyncio.Task[None]] = set()

    @contextmanager
    def over(self, connections: Connections, after_s: float = WATCH_AFTER_S, n_silent: int = 1) -> Iterator[None]:
        """Cuts the connections when the server was silent `n_silent` times in a row while this is open."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        timer = loop.call_later(after_s, self._begin, connections, n_silent, ended)
        try:
            yield
        finally:
            timer.cancel()
            ended.set()

    def close(self) -> None:
        for task in (*self._watching, *([self._greeting] if self._greeting else [])):
            task.cancel()

    def _begin(self, connections: Connections, n_silent: int, ended: asyncio.Event) -> None:
        task = asyncio.create_task(self._look(connections, n_silent, ended))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _look(self, connections: Connections, n_silent: int, ended: asyncio.Event) -> None:
        n = 0
        while not ended.is_set():
            n = 0 if await self._greets() else n + 1
            if n >= n_silent and not ended.is_set():
                for connection in connections():
                    cut(connection)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_AFTER_S):
                    await ended.wait()

    async def _greets(self) -> bool:
        """Shared by all who ask at once. Where this very process was too busy to hear an answer, nobody is blamed."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        if self._greeting is None or self._greeting.done():
            self._greeting = asyncio.ensure_future(self._greet())
        done, _ = await asyncio.wait({self._greeting}, timeout=GREETED_WITHIN_S)
        return bool(done) or loop.time() - asked_at > GREETED_WITHIN_S + _HEARD_WITHIN_S


def cut(connection: AsyncConnection[Any]) -> None:
    """Whoever waits for it gets an error at once, as if the server had closed it."""
    # What is closed by now raises.
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.pgconn.socket)) as twin:
        twin.shutdown(socket.SHUT_RDWR)
