"""The wire between service and Postgres: it resets connections, and swallows replies to what was just committed.

A client whose reply is swallowed cannot know whether its COMMIT took effect; it did. That is what retries must survive.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

_READ_BYTES = 65_536
_COMMITTING = (b"INSERT INTO behaviors", b"COMMIT")
_PARSE, _BIND, _QUERY, _READY = b"P", b"B", b"Q", b"Z"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Proxy:
    """On a port of its own in front of the Unix socket `upstream`. `harm` False: it only forwards.

    `swallowed_share` of the replies to a COMMIT are lost, and `reset_share` of a client's messages cut the connection.
    """

    upstream: str
    random: random.Random
    swallowed_share: float = 0.02
    reset_share: float = 0.001
    harm: bool = False
    n_swallowed: int = 0
    n_resets: int = 0
    _open: set[_Link] = field(default_factory=set)

    async def start(self) -> int:
        """The port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    def cut_all(self) -> None:
        for link in list(self._open):
            link.reset()
            self.n_resets += 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_unix_connection(self.upstream)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, (reader, writer), upstream)
        self._open.add(link)
        try:
            await link.run()
        finally:
            self._open.discard(link)


class _Link:
    """One connection, read message by message."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._client, self._to_client = client
        self._server, self._to_server = server
        self._commits: set[bytes] = set()  # prepared statements that commit
        self._swallows = False

    async def run(self) -> None:
        tasks = [asyncio.create_task(pump()) for pump in (self._from_client, self._from_server)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.reset()

    def reset(self) -> None:
        """Not closed in good order: what is on the way is lost."""
        for writer in (self._to_client, self._to_server):
            with suppress(OSError, AttributeError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    async def _from_client(self) -> None:
        length = await self._client.readexactly(4)  # the first message has no type
        self._to_server.write(length + await self._client.readexactly(int.from_bytes(length) - 4))
        await self._each(self._client, self._to_server, self._notice)

    async def _from_server(self) -> None:
        await self._each(self._server, self._to_client, self._withhold)

    async def _each(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, passes: Callable[[bytes, bytes], bool]
    ) -> None:
        """Returns when the connection ends or is cut."""
        buffer = b""
        while chunk := await source.read(_READ_BYTES):
            buffer += chunk
            while len(buffer) >= 5 and len(buffer) > (size := int.from_bytes(buffer[1:5])):
                message, buffer = buffer[: size + 1], buffer[size + 1 :]
                if passes(message[:1], message[5:]):
                    target.write(message)
                if target.transport.is_closing():
                    return
            await target.drain()

    def _notice(self, kind: bytes, body: bytes) -> bool:
        """Whether this one is about to commit, and whether the connection breaks instead."""
        proxy = self._proxy
        if proxy.harm and proxy.random.random() < proxy.reset_share:
            proxy.n_resets += 1
            self.reset()
            return False
        name, _, rest = body.partition(b"\0")
        if kind == _PARSE and any(word in rest for word in _COMMITTING):
            self._commits.add(name)
        commits = (kind == _BIND and rest.partition(b"\0")[0] in self._commits) or (
            kind == _QUERY and any(word in name for word in _COMMITTING)
        )
        if commits and proxy.harm and proxy.random.random() < proxy.swallowed_share:
            self._swallows = True
        return True

    def _withhold(self, kind: bytes, _: bytes) -> bool:
        if not self._swallows:
            return True
        if kind == _READY:  # only now it is committed
            self._proxy.n_swallowed += 1
            self.reset()
        return False
