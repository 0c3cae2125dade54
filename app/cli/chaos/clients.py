"""Clients that post behaviours and never give up what was not acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

import httpx2

from app.cli.chaos.ledger import Batch, Fact, Ledger

N_CLIENTS = 8
N_USERS = 200
N_ITEMS = 500
TYPES = ("view", "click", "purchase", "like", "add_to_cart")
MOST_IN_BATCH = 40
AGAIN_SHARE = 0.1  # of the batches: sent once more after they were acknowledged
TWICE_SHARE = 0.1  # and as many by two at once
LONGEST_PAUSE_S = 0.15
RETRY_S = 0.1
ANSWER_WITHIN_S = 10.0


def facts(draw: random.Random, start_at: datetime | None = None) -> Iterator[Fact]:
    """Endless; a second passes from one to the next, so that nobody is taken for a robot."""
    first_at = start_at or datetime.now(UTC).replace(microsecond=0) - timedelta(days=60)
    for n in count():
        user_id, item_id = f"user-{draw.randrange(N_USERS)}", f"item-{draw.randrange(N_ITEMS)}"
        yield Fact(user_id, f"b{n}", item_id, draw.choice(TYPES), first_at + timedelta(seconds=n))


class Clients:
    """`stop` lets everybody finish what they have begun."""

    def __init__(self, address: str, draw: random.Random) -> None:
        self.ledger = Ledger()
        self._address = address
        self._draw = draw
        self._facts = facts(draw)
        self._stopping = False

    async def run(self) -> None:
        """Returns when everything that was sent is acknowledged."""
        async with httpx2.AsyncClient(base_url=self._address, timeout=ANSWER_WITHIN_S) as http:
            await asyncio.gather(*(self._client(http) for _ in range(N_CLIENTS)))

    def stop(self) -> None:
        self._stopping = True

    async def _client(self, http: httpx2.AsyncClient) -> None:
        while not self._stopping:
            if self.ledger.batches and self._draw.random() < AGAIN_SHARE:
                await self._post(http, self._draw.choice(self.ledger.batches), is_known=True)
            else:
                await self._post_new(http)
            await asyncio.sleep(self._draw.uniform(0, LONGEST_PAUSE_S))

    async def _post_new(self, http: httpx2.AsyncClient) -> None:
        batch = tuple(islice(self._facts, self._draw.randint(1, MOST_IN_BATCH)))
        self.ledger.send(batch)
        at_once = 2 if self._draw.random() < TWICE_SHARE else 1
        await asyncio.gather(*(self._post(http, batch) for _ in range(at_once)))
        self.ledger.acknowledge(batch)

    async def _post(self, http: httpx2.AsyncClient, batch: Batch, is_known: bool = False) -> None:
        """Returns when it is acknowledged."""
        body = [fact.body() for fact in batch]
        while not await self._try(http, body, is_known):
            self.ledger.n_retries += 1
            await asyncio.sleep(RETRY_S)

    async def _try(self, http: httpx2.AsyncClient, body: list[dict[str, str]], is_known: bool) -> bool:
        try:
            answer = await http.post("/behaviors", json=body)
        except httpx2.HTTPError:
            return False
        if answer.status_code in {429, 503}:
            return False
        receipt: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        n_known = receipt.get("duplicates", 0)
        if receipt.get("accepted", 0) + n_known == len(body) and (n_known == len(body) or not is_known):
            return True
        self.ledger.strange.append(f"{answer.status_code} {answer.text[:200]}")
        return answer.status_code < 500
