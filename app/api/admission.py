"""So many requests are worked on at a time; who would wait too long is sent away at once instead of late."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from starlette.types import Message, Receive, Scope

from app.domain.errors import Overloaded

# Their bodies arrive as slowly as the sender likes: they take a place when the last byte is there.
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Admission:
    """`most` requests at a time; others wait in order of arrival, up to `wait_s`."""

    def __init__(self, most: int, wait_s: float) -> None:
        self._most = most
        self._wait_s = wait_s
        self._places = asyncio.Semaphore(most)
        self.n_inside = 0

    async def enter(self) -> None:
        """Raises Overloaded."""
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        self.n_inside += 1

    def leave(self) -> None:
        self.n_inside -= 1
        self._places.release()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise Overloaded(
                f"{self._most} requests are being answered already.", "Send fewer requests at a time."
            ) from None


class Place(AbstractAsyncContextManager["Place"]):
    """The place of one request: taken when it can be worked on, given back at the end or when a stream begins."""

    def __init__(self, admission: Admission, scope: Scope, receive: Receive) -> None:
        self._admission = admission
        self._receive = receive
        self._waits_for_body = scope["method"] in _WITH_BODY and _has_body(scope)
        self._is_taken = False

    async def __aenter__(self) -> Place:
        if not self._waits_for_body:
            await self._take()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.give_back()

    async def receive(self) -> Message:
        message = await self._receive()
        if self._waits_for_body and message["type"] == "http.request" and not message.get("more_body"):
            self._waits_for_body = False
            await self._take()
        return message

    def give_back(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._admission.leave()

    async def _take(self) -> None:
        await self._admission.enter()
        self._is_taken = True


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 "))
        for name, value in scope["headers"]
    )
