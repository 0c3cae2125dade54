"""A connection that sends bytes as they are and reads whatever comes back, within a time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from tests.fuzz.message import Hearing

WITHIN_S = 2.0
# What a server may still say to a request that never ends, before the sender hangs up.
_EARLY_S = 0.02


@dataclass(slots=True)
class Answer:
    method: str
    status: int
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    took_s: float = 0.0


class Hangs(Exception):
    """No answer, or no end of the connection, within the time."""


class Garbled(Exception):
    """What came back is not HTTP."""


class Link:
    """One connection at a time to one address; opened when it is needed.

    `was_reset`: the service closed it with bytes of ours unread, and what it had said may be lost.
    """

    def __init__(self, host: str, port: int, within_s: float = WITHIN_S) -> None:
        self._address = host, port
        self._within_s = within_s
        self.was_reset = False
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def is_open(self) -> bool:
        return self._streams is not None

    async def exchange(self, pieces: tuple[bytes, ...], hearing: Hearing) -> list[Answer]:
        """The answers to what the service must hear in `pieces`. Raises `Hangs`, `Garbled` or OSError."""
        answers: list[Answer] = []
        self.was_reset = False
        try:
            async with asyncio.timeout(self._within_s * (len(hearing.requests) + 1)):
                await self._exchange(pieces, hearing, answers)
        except asyncio.IncompleteReadError:  # a connection that ends is an answer to nonsense
            await self.close()
        except ConnectionError:
            self.was_reset = True
            await self.close()
        except TimeoutError:
            await self.close()
            raise Hangs from None
        except (ValueError, asyncio.LimitOverrunError) as error:
            await self.close()
            raise Garbled(type(error).__name__) from error
        return answers

    async def _exchange(self, pieces: tuple[bytes, ...], hearing: Hearing, answers: list[Answer]) -> None:
        reader, writer = await self._opened()
        await self._send(writer, pieces)
        for heard in hearing.whole:
            answers.append(await self._answer(reader, heard.method))
            if hearing.broken or _is_last(answers[-1]):
                break
        if answers and _is_stream(answers[-1]):
            await self.close()
        elif hearing.ends or (answers and _is_last(answers[-1])):
            await self._rest(reader, writer, hearing, answers)
            await self.close()

    async def close(self) -> None:
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.transport.abort()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address, limit=2**20)
        return self._streams

    async def _send(self, writer: asyncio.StreamWriter, pieces: tuple[bytes, ...]) -> None:
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.001)
            writer.write(piece)
            await writer.drain()

    async def _rest(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hearing: Hearing, answers: list[Answer]
    ) -> None:
        """Adds what still comes before the service ends the connection, as it must once the sender has hung up."""
        if not hearing.broken:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EARLY_S):
                    answers.append(await self._answer(reader, "GET"))
            if writer.can_write_eof():
                writer.write_eof()
        while not reader.at_eof():
            answers.append(await self._answer(reader, "GET"))

    async def _answer(self, reader: asyncio.StreamReader, method: str) -> Answer:
        """Skips `100 Continue`. Raises TimeoutError, and ValueError for what is no HTTP."""
        started = time.perf_counter()
        async with asyncio.timeout(self._within_s):
            answer = await _read_head(reader, method)
            while answer.status < 200:
                answer = await _read_head(reader, method)
            await _read_body(reader, answer)
        answer.took_s = time.perf_counter() - started
        return answer


def _is_last(answer: Answer) -> bool:
    return answer.headers.get(b"connection") == b"close" or _is_stream(answer)


def _is_stream(answer: Answer) -> bool:
    return answer.headers.get(b"content-type", b"").startswith(b"text/event-stream")


async def _read_head(reader: asyncio.StreamReader, method: str) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    version, status, *_ = first.split(b" ")
    if version != b"HTTP/1.1":
        raise ValueError(version)
    pairs = (line.split(b": ", 1) for line in lines)
    return Answer(method, int(status), {name.lower(): value for name, value in pairs})


async def _read_body(reader: asyncio.StreamReader, answer: Answer) -> None:
    if answer.method == "HEAD" or answer.status in {204, 304}:
        return
    if b"content-length" in answer.headers:
        answer.body = await reader.readexactly(int(answer.headers[b"content-length"]))
    elif _is_stream(answer):
        answer.body = await reader.read(2**16)
    elif answer.headers.get(b"transfer-encoding") == b"chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            answer.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        answer.body = await reader.read()
