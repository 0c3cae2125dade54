"""Post a behaviour, read at once through another connection: does the answer know it already? Always, it must."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, cycle
from typing import Any

from benchmarks.client import Connection, ask, request
from benchmarks.server import Running

TYPES = ("view", "purchase", "dislike")
N_LANES = 6
NEWCOMER_EVERY = 10  # every tenth try is the first behaviour of a user nobody has heard of


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
        self._newcomers = (f"newcomer-{user_ids[0]}-{number}" for number in count())

    async def run(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            writer, reader = self._random.choices(self._connections, k=2)
            self._result.n_tries += 1
            self._result.across += writer is not reader
            if number % NEWCOMER_EVERY:
                await self._regular(next(self._users), TYPES[number % len(TYPES)], writer, reader)
            else:
                await self._newcomer(next(self._newcomers), writer, reader)

    async def _regular(self, user: str, type_: str, writer: Connection, reader: Connection) -> None:
        """The best recommendation is seen, bought or disliked: it goes, and the profile counts it."""
        slate = await _good(reader, request("GET", f"/users/{user}/recommendations?limit=20"))
        before = await _good(reader, request("GET", f"/users/{user}/profile"))
        item = slate["items"][0]["item_id"]
        await self._post(writer, user, item, type_)
        after = await _good(reader, request("GET", f"/users/{user}/profile"))
        self._result.expect(after["version"] == before["version"] + 1, "profile version")
        n_before, n_after = (profile["counts"].get(type_, 0) for profile in (before, after))
        self._result.expect(n_after == n_before + 1, "profile counts")
        slate = await _good(reader, request("GET", f"/users/{user}/recommendations?limit=20"))
        self._result.expect(slate["profile_version"] == after["version"], "version recommended from")
        self._result.expect(item not in {entry["item_id"] for entry in slate["items"]}, "item still recommended")

    async def _newcomer(self, user: str, writer: Connection, reader: Connection) -> None:
        status, _ = await ask(reader, request("GET", f"/users/{user}/profile"))
        self._result.expect(status == 404, "newcomer known before the first behaviour")
        slate = await _good(reader, request("GET", f"/users/{user}/recommendations?limit=5"))
        await self._post(writer, user, slate["items"][0]["item_id"], "purchase")
        status, body = await ask(reader, request("GET", f"/users/{user}/profile"))
        self._result.expect(status == 200 and json.loads(body)["version"] == 1, "newcomer's profile")

    async def _post(self, writer: Connection, user: str, item: str, type_: str) -> None:
        row = {"user_id": user, "item_id": item, "type": type_, "occurred_at": datetime.now(UTC).isoformat()}
        receipt = await _good(writer, request("POST", "/behaviors", json.dumps(row).encode()))
        assert receipt["accepted"] == 1, receipt


async def _good(connection: Connection, raw: bytes) -> dict[str, Any]:
    status, body = await ask(connection, raw)
    if status != 200:
        raise RuntimeError(f"{status} to {raw[:80]!r}: {body[:400]!r}")
    answer: dict[str, Any] = json.loads(body)
    return answer
