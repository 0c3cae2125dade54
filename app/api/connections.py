"""Connections that are cut: uvicorn waits for ever for the headers of a request, and reads any number of them."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN_S = 10.0
MOST_HEADER_BYTES = 65_536


class TimedHttp(HttpToolsProtocol):
    """Headers have 10 s and 64 KiB. How long a body may take is a matter of `app.api.body`."""

    _deadline: asyncio.TimerHandle | None = None
    _n_bytes = 0

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
        if self._n_bytes > MOST_HEADER_BYTES:
            self._cut()
        elif self._deadline is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

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
