"""Post a behaviour, read at once through another connection: does the answer know it already? Always, it must."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, cycle, islice
from typing import Any

from benchmarks.client import Connection, ask, request
from benchmarks.server import Running

TYPES = ("view", "purchase", "dislike")
N_LANES = 6
IN_A_ROW = 10  # tries: first a newcomer's, whom nobody has heard of, then those of one known user


@dataclass(slots=True)
class Freshness:
    """`across` counts the tries that wrote through one worker and read through another."""

    n_tries: int = 0
    across: int = 0
    stale: Counter[str] = field(default_factory=Counter)

    @property
    def n_stale(self) -> int:
        return sum(self.stale.values())

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.stale[what] += 1


async def post_then_read(running: Running, user_ids: Sequence[str], n_tries: int) -> Freshness:
    """Lanes work side by side on users of their own, so every expectation is exact."""
    result, numbers = Freshness(), iter(range(n_tries))
    by_worker = await _connections(running, N_LANES)
    lanes = [
        _Lane(result, user_ids[lane::N_LANES], [connections[lane] for connections in by_worker])
        for lane in range(N_LANES)
    ]
    await asyncio.gather(*(lane.run(numbers) for lane in lanes))
    for connection in (connection for connections in by_worker for connection in connections):
        connection.close()
    return result


async def _connections(running: Running, n: int) -> list[list[Connection]]:
    """`n` connections to every worker; which worker accepts is the kernel's choice, so more are opened than kept."""
    by_worker: dict[int, list[Connection]] = {}
    for _ in range(8 * n):
        connection = await running.address.connect()
        await ask(connection, request("GET", "/health/live"))
        by_worker.setdefault(running.worker_of(connection), []).append(connection)
    assert all(len(connections) >= n for connections in by_worker.values()), "one worker takes no connections"
    for extra in (connection for connections in by_worker.values() for connection in connections[n:]):
        extra.close()
    return [connections[:n] for connections in by_worker.values()]


class _Lane:
    def __init__(self, result: Freshness, user_ids: Sequence[str], connections: Sequence[Connection]) -> None:
        self._result, self._users, self._connections = result, cycle(user_ids), connections
        self._random = random.Random(user_ids[0])
        run = secrets.token_hex(4)  # the data set stays for the next table, and with it who came in this one
        self._newcomers = (f"newcomer-{run}-{user_ids[0]}-{number}" for number in count())

    async def run(self, numbers: Iterator[int]) -> None:
        """A newcomer, then a known user several times in a row, and so on."""
        while tries := list(islice(numbers, IN_A_ROW)):
            await self._newcomer(next(self._newcomers), *self._writer_and_reader())
            user = next(self._users)
            slate = await _good(self._connections[0], _recommendations(user))
            for number in tries[1:]:
                slate = await self._regular(user, TYPES[number % len(TYPES)], slate, *self._writer_and_reader())

    def _writer_and_reader(self) -> list[Connection]:
        writer, reader = self._random.choices(self._connections, k=2)
        self._result.n_tries += 1
        self._result.across += writer is not reader
        return [writer, reader]

    async def _regular(
        self, user: str, type_: str, slate: dict[str, Any], writer: Connection, reader: Connection
    ) -> dict[str, Any]:
        """The best recommendation is seen, bought or disliked: it goes, and the profile knows. Returns what is next."""
        item = slate["items"][0]["item_id"]
        await self._post(writer, user, item, type_)
        profile = await _good(reader, request("GET", f"/users/{user}/profile"))
        self._result.expect(profile["version"] == slate["profile_version"] + 1, "profile version")
        after = await _good(reader, _recommendations(user))
        self._result.expect(after["profile_version"] == profile["version"], "version recommended from")
        self._result.expect(item not in {entry["item_id"] for entry in after["items"]}, "item still recommended")
        return after

    async def _newcomer(self, user: str, writer: Connection, reader: Connection) -> None:
        status, _ = await ask(reader, request("GET", f"/users/{user}/profile"))
        self._result.expect(status == 404, "newcomer known before the first behaviour")
        slate = await _good(reader, _recommendations(user))
        await self._post(writer, user, slate["items"][0]["item_id"], "purchase")
        status, body = await ask(reader, request("GET", f"/users/{user}/profile"))
        self._result.expect(status == 200 and json.loads(body)["version"] == 1, "newcomer's profile")

    async def _post(self, writer: Connection, user: str, item: str, type_: str) -> None:
        row = {"user_id": user, "item_id": item, "type": type_, "occurred_at": datetime.now(UTC).isoformat()}
        receipt = await _good(writer, request("POST", "/behaviors", json.dumps(row).encode()))
        assert receipt["accepted"] == 1, receipt


def _recommendations(user: str) -> bytes:
    return request("GET", f"/users/{user}/recommendations?limit=20")


async def _good(connection: Connection, raw: bytes) -> dict[str, Any]:
    status, body = await ask(connection, raw)
    if status != 200:
        raise RuntimeError(f"{status} to {raw[:80]!r}: {body[:400]!r}")
    answer: dict[str, Any] = json.loads(body)
    return answer
