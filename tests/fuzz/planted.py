"""The real service with one fault planted in front of it, where a body holds certain bytes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Callable[["Planted", Scope, list[Message], Receive, Send], Coroutine[None, None, None]]


class Planted:
    """Passes everything on, but for bodies that hold `where`: those meet the `fault`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.fault: Fault | None = None
        self.where = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.fault is None:
            await self.app(scope, receive, send)
            return
        told = await _all_of(receive)
        hit = self.where in b"".join(one.get("body", b"") for one in told)
        await (self.fault if hit else passes)(self, scope, told, receive, send)


async def _all_of(receive: Receive) -> list[Message]:
    told = [await receive()]
    while told[-1].get("more_body"):
        told.append(await receive())
    return told


async def passes(planted: Planted, scope: Scope, told: list[Message], receive: Receive, send: Send) -> None:
    coming = iter(told)

    async def again() -> Message:
        return next(coming, None) or await receive()

    await planted.app(scope, again, send)


async def crashes(_planted: Planted, _scope: Scope, _told: list[Message], _receive: Receive, _send: Send) -> None:
    raise RuntimeError("planted")


async def hangs(_planted: Planted, _scope: Scope, _told: list[Message], receive: Receive, _send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def loses(planted: Planted, scope: Scope, told: list[Message], receive: Receive, send: Send) -> None:
    """Acknowledged, but kept of somebody else."""
    await passes(planted, scope, [_with(one, b'"u-', b'"l-') for one in told], receive, send)


async def changes(planted: Planted, scope: Scope, told: list[Message], receive: Receive, send: Send) -> None:
    await passes(planted, scope, [_with(one, b"pizza", b"Pizza") for one in told], receive, send)


def _with(message: Message, old: bytes, new: bytes) -> Message:
    return {**message, "body": message.get("body", b"").replace(old, new)}


def answers(status: int, kind: bytes, body: bytes) -> Fault:
    async def fault(_planted: Planted, _scope: Scope, _told: list[Message], _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return fault
