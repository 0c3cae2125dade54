"""The outermost layer of ours: id of the request, readable address, key, log line, and the last resort.

Plain ASGI, because a request passes here that matches no route and an exception that no handler knows.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.auth import Door
from app.api.errors import INTERNAL, answer
from app.api.problems import request_id_of
from app.domain.errors import AccessDenied, InvalidInput, PortraitError

log = structlog.get_logger()

SLOW_MS = 500
_PROBE = "/health/ready"  # asked every second; "not yet" is an answer, not an error
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


class Gate:
    """`sign_in` makes the page that asks for a key, for whoever comes to the console without one."""

    def __init__(self, app: ASGIApp, door: Door, sign_in: Callable[[Scope], Response]) -> None:
        self.app = app
        self.door = door
        self.sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = _Visit(scope, send)
        try:
            refused = _unreadable(scope) or self.door.refusal(scope)
            if refused:
                await self._turned_away(scope, refused)(scope, receive, visit.send)
            else:
                await self.app(scope, receive, visit.send)
        except Exception as error:  # the last resort: nobody may see a bare 500
            visit.report(error)
            if visit.status:
                raise
            await answer(scope, INTERNAL)(scope, receive, visit.send)
        visit.close()

    def _turned_away(self, scope: Scope, refused: PortraitError) -> Response:
        is_page = f"{scope['path']}/".startswith("/console/")
        return self.sign_in(scope) if is_page and isinstance(refused, AccessDenied) else answer(scope, refused)


class _Visit:
    """One request on its way through; knows nothing of ids, texts and bodies, so it cannot log them."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status = 0
        self._send = send
        self._started = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            request_id = (b"x-request-id", request_id_of(self.scope).encode())
            message["headers"] = [*message.get("headers", ()), request_id, *_HEADERS]
        await self._send(message)

    def report(self, error: Exception) -> None:
        """Where it happened. Messages of exceptions stay out: they quote values."""
        frames = [
            f"{frame.name} {frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        log.error("failed", error=type(error).__name__, at=frames[-6:], request_id=request_id_of(self.scope))

    def close(self) -> None:
        took_ms = (time.perf_counter() - self._started) * 1000
        route = getattr(self.scope.get("route"), "path", None)
        failed = self.status >= 500 and route != _PROBE
        level = "error" if failed else "warning" if took_ms >= SLOW_MS else "debug"
        if level == "debug" and not log.isEnabledFor(10):
            return
        getattr(log, level)(
            "answered",
            method=self.scope["method"],
            route=route,
            status=self.status,
            took_ms=round(took_ms, 1),
            request_id=request_id_of(self.scope),
        )


def _unreadable(scope: Scope) -> PortraitError | None:
    """Servers decode a path leniently, so bytes that are not UTF-8 would name somebody else's id."""
    address = (scope.get("raw_path") or b"") + b"?" + scope["query_string"]
    if b"%" in address:
        try:
            unquote_to_bytes(address).decode("utf-8")
        except UnicodeDecodeError:
            return InvalidInput("The address is not UTF-8.", "Percent-encode texts as UTF-8.", code="invalid_url")
    return None
