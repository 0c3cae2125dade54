"""Connections that are cut: uvicorn waits for ever for the headers of a request, and reads any number of them."""

from __future__ import annotations

import asyncio

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.domain.limits import DRAINED_BYTES

HEADERS_WITHIN_S = 10.0
MOST_HEADER_BYTES = 65_536


class TimedHttp(HttpToolsProtocol):
    """Headers have 10 s and 64 KiB. How long a body may take is a matter of `app.api.body`.

    The rest of a body that was answered early is thrown away, for as long and as much: who is still sending would else
    lose the answer with the connection.
    """

    _deadline: asyncio.TimerHandle | None = None
    _n_bytes = 0  # that came unasked: of headers, or of the rest of a body
    _in_body = False
    _answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            return  # a request is being answered
        self._n_bytes += len(data)
        if self._n_bytes > (DRAINED_BYTES if self._in_body else MOST_HEADER_BYTES):
            self._cut()
        elif self._deadline is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_waiting()
        self._in_body = False
        super().on_message_complete()

    def eof_received(self) -> None:
        """The transport closes right behind this."""
        self._hang_up()

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._hang_up()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle  # with pipelining `self.cycle` is the newest one, which waits
        super()._start_asgi_task(cycle, app)

    def _expect_headers(self) -> None:
        self._deadline = self.loop.call_later(HEADERS_WITHIN_S, self._cut)

    def _stop_waiting(self) -> None:
        self._n_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
        self._hang_up()

    def _hang_up(self) -> None:
        """The answer that is being made is not written any more: uvloop would raise."""
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
