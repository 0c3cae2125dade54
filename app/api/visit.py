"""One request on its way through: what every answer carries, and what is told of it afterwards."""

from __future__ import annotations

import time
import traceback

import structlog
from starlette.types import Message, Scope, Send

from app.api.admission import Place
from app.api.problems import CODE, request_id_of
from app.api.rates import Bucket
from app.telemetry.metrics import count_request

log = structlog.get_logger()

SLOW_MS = 500
_PROBE = "/health/ready"  # asked every second; "not yet" is an answer, not an error
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# Nearly every answer is about somebody: none is kept by anything on its way, unless its call says otherwise.
_UNLESS_SAID = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Visit:
    """Knows nothing of ids, texts and bodies, so it cannot log them."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status = 0
        self.bucket: Bucket | None = None
        self.place: Place | None = None
        self._send = send
        self._started = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._completed(list(message.get("headers", ())))
        await self._send(message)

    def _completed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name for name, _ in headers}
        if self.place is not None and b"content-length" not in names and self.status not in {204, 304}:
            self.place.give_back()  # a stream lasts as long as somebody listens
        headers += [header for header in _UNLESS_SAID if header[0] not in names]
        headers.append((b"x-request-id", request_id_of(self.scope).encode()))
        return [*headers, *_HEADERS, *(self.bucket.headers() if self.bucket else ())]

    def report(self, error: Exception) -> None:
        """Where it happened. Messages of exceptions stay out: they quote values."""
        frames = [
            f"{frame.name} {frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        log.error("failed", error=type(error).__name__, at=frames[-6:], request_id=request_id_of(self.scope))

    def close(self) -> None:
        took_s = time.perf_counter() - self._started
        route = getattr(self.scope.get("route"), "path", None)
        count_request(self.scope["method"], route, self.status, took_s)
        level = self._level(route, took_s * 1000)
        if level == "debug" and not log.isEnabledFor(10):
            return
        getattr(log, level)(
            "answered",
            method=self.scope["method"],
            route=route,
            status=self.status,
            took_ms=round(took_s * 1000, 1),
            request_id=request_id_of(self.scope),
        )

    def _level(self, route: str | None, took_ms: float) -> str:
        """Those sent away under overload are counted, and not logged: that would be one more load."""
        if self.scope.get(CODE) == "overloaded":
            return "debug"
        if self.status >= 500 and route != _PROBE:
            return "error"
        return "warning" if took_ms >= SLOW_MS else "debug"
