"""The requests of the benchmark as they go over the wire: real users, real items, distinct behaviours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from benchmarks.client import request
from benchmarks.world import World

TYPES = ("view", "click", "add_to_cart", "purchase")
SEARCHES = ("frozen pizza", "dog food", "shampoo", "cheese slices", "diapers size 4", "orange juice", "wine", "bread")


class Traffic:
    """Deals out requests; the same seed gives the same order of users and items.

    Behaviours never repeat: each carries its own time, one millisecond after the one before, over the last day.
    """

    def __init__(self, world: World, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._users = world.user_ids
        self._items = world.item_ids
        self._number = count()
        self._start = datetime.now(UTC) - timedelta(days=1)

    def profiles(self) -> list[bytes]:
        """Every user once."""
        return [request("GET", f"/users/{user}/profile") for user in self._shuffled()]

    def recommendations(self, limit: int = 20) -> list[bytes]:
        """Every user once."""
        return [request("GET", f"/users/{user}/recommendations?limit={limit}") for user in self._shuffled()]

    def single_behaviors(self, n: int) -> list[bytes]:
        return [_post(self._behavior(user, item)) for user, item in self._pairs(n)]

    def batches(self, n: int, size: int = 1000) -> list[bytes]:
        return [_post([self._behavior(user, item) for user, item in self._pairs(size)]) for _ in range(n)]

    def one_each(self) -> bytes:
        """One behaviour for every user, in one request."""
        items = self._random.choice(self._items, len(self._users))
        rows = [self._behavior(user, str(item)) for user, item in zip(self._users, items, strict=True)]
        return _post(rows)

    def searches(self, n: int) -> list[bytes]:
        """Behaviours with a text, so that the encoder works too."""
        return [_post(self._search(user, number)) for number, (user, _) in enumerate(self._pairs(n))]

    def _shuffled(self) -> Sequence[str]:
        return [self._users[place] for place in self._random.permutation(len(self._users))]

    def _pairs(self, n: int) -> Iterator[tuple[str, str]]:
        users = self._random.integers(len(self._users), size=n)
        items = self._random.integers(len(self._items), size=n)
        return ((self._users[user], self._items[item]) for user, item in zip(users, items, strict=True))

    def _behavior(self, user: str, item: str) -> dict[str, Any]:
        number = next(self._number)
        return {"user_id": user, "item_id": item, "type": TYPES[number % 4], "occurred_at": self._at(number)}

    def _search(self, user: str, number: int) -> dict[str, Any]:
        text = f"{SEARCHES[number % len(SEARCHES)]} {number}"
        return {"user_id": user, "type": "search", "text": text, "occurred_at": self._at(next(self._number))}

    def _at(self, number: int) -> str:
        return (self._start + timedelta(milliseconds=number)).isoformat(timespec="milliseconds")


def _post(body: object) -> bytes:
    return request("POST", "/behaviors", json.dumps(body, separators=(",", ":")).encode())
