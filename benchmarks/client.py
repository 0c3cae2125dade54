"""A load generator for HTTP/1.1 keep-alive: raw bytes in, latencies out, light enough to share two cores with a server.

Closed loop: n connections, each sends as soon as it is answered; says how much the server can do.
Open loop: requests are due at a fixed rate whether or not earlier ones are answered, and a latency counts from the
due time, so a stall is charged to every request it kept waiting (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import numpy as np

GOOD = frozenset({200, 201, 202, 204})  # 207 is not: a benchmark sends nothing that deserves a refusal
BUSY = frozenset({429, 503})
LOST = 0  # stands for a status where the connection broke instead of an answer
DRAIN_LIMIT_S = 30.0  # an open loop waits so long for its last answers

Done = Callable[[int, bytes], None]


@dataclass(slots=True)
class Measured:
    """What a run saw. `latencies` (seconds) are those of good answers only; everything else is in `failures`.

    `refusals` are the latencies of those who were told to come again.
    """

    seconds: float = 0.0
    own_cpu: float = 0.0  # share of one core the generator itself took
    latencies: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    failures: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, q: float) -> float:
        """Milliseconds; NaN without any good answer."""
        return float(np.percentile(self.latencies, q)) * 1000 if self.latencies else float("nan")

    def trouble(self) -> str:
        """The failures in words, empty when there were none."""
        return ", ".join(f"{n} x {status or 'connection lost'}" for status, n in sorted(self.failures.items()))

    def note(self, status: int, seconds: float) -> None:
        if status in GOOD:
            self.latencies.append(seconds)
        else:
            self.failures[status] += 1
            if status in BUSY:
                self.refusals.append(seconds)


class Connection(asyncio.Protocol):
    """One connection, one request at a time; answers must carry Content-Length (or be 204 or 304)."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._done: Done | None = None

    @property
    def alive(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def local_port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def send(self, request: bytes, done: Done) -> None:
        """`done(status, body)` is called once, with LOST when the connection breaks first."""
        assert self._transport is not None
        assert self._done is None, "the connection still waits for an answer"
        self._done = done
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it

    def data_received(self, data: bytes) -> None:
        self._received = data = self._received + data if self._received else data
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        head = data[:end].lower()
        total = end + _content_length(head)
        if len(data) < total:
            return
        self._received = data[total:]
        if b"connection: close" in head:
            self.close()
        self._answer(int(data[9:12]), data[end:total])

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._answer(LOST, b"")

    def _answer(self, status: int, body: bytes) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(status, body)


def _content_length(head: bytes) -> int:
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        if head[9:12] in {b"204", b"304"}:
            return 0
        raise ValueError("the answer has no Content-Length; this client reads no chunked answers")
    return int(head[at + 17 : head.index(b"\r", at + 2)])


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    async def connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, self.host, self.port)
        return connection


def request(
    method: str, path: str, body: bytes | None = None, content_type: str = "application/json", more: str = ""
) -> bytes:
    """One request as it goes over the wire; `more` are whole lines of its head."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{more}"
    if body is None:
        return f"{head}\r\n".encode()
    return f"{head}Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def ask(connection: Connection, raw: bytes) -> tuple[int, bytes]:
    """Sends one request and waits: (status, body)."""
    answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
    connection.send(raw, lambda status, body: answered.set_result((status, body)))
    return await answered


class _Lanes:
    """The connections of one closed loop; finished when every lane has run out of time or of requests."""

    def __init__(self, address: Address, requests: Iterator[bytes], n_lanes: int, until: float) -> None:
        self.measured = Measured()
        self._address, self._requests, self._until = address, requests, until
        self._n_open = n_lanes
        self._reconnecting: set[asyncio.Task[None]] = set()
        self.finished = asyncio.Event()

    def next(self, connection: Connection) -> None:
        now = time.perf_counter()
        raw = next(self._requests, None) if now < self._until else None
        if raw is None:
            self._close(connection)
        else:
            connection.send(raw, partial(self._answered, connection, now))

    def _answered(self, connection: Connection, sent: float, status: int, _body: bytes) -> None:
        self.measured.note(status, time.perf_counter() - sent)
        if connection.alive:
            self.next(connection)
        else:
            task = asyncio.ensure_future(self._reconnect())
            self._reconnecting.add(task)
            task.add_done_callback(self._reconnecting.discard)

    async def _reconnect(self) -> None:
        try:
            self.next(await self._address.connect())
        except OSError:
            self._close(None)

    def _close(self, connection: Connection | None) -> None:
        if connection is not None:
            connection.close()
        self._n_open -= 1
        if not self._n_open:
            self.finished.set()


async def closed_loop(address: Address, requests: Iterator[bytes], n_connections: int, seconds: float) -> Measured:
    """As fast as n connections go, for so many seconds or until the requests run out."""
    connections = [await address.connect() for _ in range(n_connections)]
    started, cpu = time.perf_counter(), time.process_time()
    lanes = _Lanes(address, requests, n_connections, started + seconds)
    for connection in connections:
        lanes.next(connection)
    await lanes.finished.wait()
    return _timed(lanes.measured, started, cpu)


class _Pool:
    """Connections of an open loop; a request that finds none free waits, and its waiting counts."""

    def __init__(self, address: Address, connections: list[Connection]) -> None:
        self.measured = Measured()
        self._address = address
        self._free = deque(connections)
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._n_busy = 0
        self.idle = asyncio.Event()

    def due(self, at: float, raw: bytes) -> None:
        while self._free and not self._free[-1].alive:
            self._free.pop()
        if not self._free:
            self._waiting.append((at, raw))
            return
        connection = self._free.pop()
        self._n_busy += 1
        self.idle.clear()
        connection.send(raw, partial(self._answered, connection, at))

    def _answered(self, connection: Connection, at: float, status: int, _body: bytes) -> None:
        self.measured.note(status, time.perf_counter() - at)
        self._n_busy -= 1
        self._free.append(connection)
        if self._waiting:
            self.due(*self._waiting.popleft())
        elif not self._n_busy:
            self.idle.set()

    def close(self) -> None:
        """What still waits was never answered: it counts as lost."""
        self.measured.failures[LOST] += len(self._waiting) + self._n_busy
        self.measured.failures += Counter()  # drops zeroes
        for connection in self._free:
            connection.close()


async def open_loop(
    address: Address,
    requests: Iterator[bytes],
    per_second: float,
    seconds: float,
    n_connections: int = 64,
) -> Measured:
    """Requests at a fixed rate; the timer of the loop may send up to 1 ms late, which counts as latency too."""
    pool = _Pool(address, [await address.connect() for _ in range(n_connections)])
    started, cpu = time.perf_counter(), time.process_time()
    for number in range(int(per_second * seconds)):
        at = started + number / per_second
        if (pause := at - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        pool.due(at, next(requests))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_LIMIT_S):
            await pool.idle.wait()
    pool.close()
    return _timed(pool.measured, started, cpu)


def _timed(measured: Measured, started: float, cpu: float) -> Measured:
    measured.seconds = time.perf_counter() - started
    measured.own_cpu = (time.process_time() - cpu) / measured.seconds
    return measured
