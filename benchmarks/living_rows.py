"""What is promised of the living profile, a function for each promise."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from statistics import mean
from typing import Any
from urllib.parse import quote

import numpy as np

from app.domain.item import Item, facets_of
from benchmarks.client import Connection, ask, open_loop, request
from benchmarks.rows import Served, in_words
from benchmarks.table import Row, Target
from benchmarks.traffic import TYPES

LIMIT = 20
FAR = 100  # how far a list is read to find the place of a counterfactual
MOST_SHARE = 2 / 3
N_EACH = 50  # lists of one user who wants none of something
SCENARIOS = ("", "home", "product", "basket", "mail")
SEEN = ("exclude", "include", "purchased")
N_LONG = 5_000

PROFILE = Target("GET profile with its evidence, p99 at 100 req/s", "ms", 30, less_is_better=True)
HISTORY = Target(f"GET history of {N_LONG:,} behaviours, longest", "ms", 300, less_is_better=True)
WHY = Target("why, and why not, p99", "ms", 150, less_is_better=True)
NEVER = Target("never: recommended all the same", "items", 0, less_is_better=True)
MORE = Target("more: the facet's share of 20 places", "% more", 30)
CROWDED = Target("more: lists newly above two thirds of it", "lists", 0, less_is_better=True)
TRUE = Target("counterfactuals that come true", "%", 100)


@dataclass(frozen=True, slots=True)
class Size:
    """How often each row tries."""

    seconds: float
    n_histories: int
    n_whys: int
    n_never: int
    n_more: int
    n_counterfactuals: int


WHOLE = Size(20, 20, 200, 10_000, 200, 100)
QUICK = Size(5, 3, 20, 1_000, 20, 10)


@dataclass(frozen=True, slots=True)
class Living(Served):
    size: Size

    def users(self, n: int, seed: int) -> list[str]:
        """So many at random, or all."""
        return random.Random(seed).sample(self.world.user_ids, min(n, len(self.world.user_ids)))


class Caller:
    """One connection and its JSON. Raises RuntimeError where an answer is not 200."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, path: str) -> dict[str, Any]:
        return await self._good(request("GET", path))

    async def post(self, behaviors: Sequence[dict[str, Any]]) -> None:
        await self._good(request("POST", "/behaviors", json.dumps(behaviors).encode()))

    async def edit(self, user: str, **change: str) -> str:
        """The id of the edit."""
        body = json.dumps({"edits": [change]}).encode()
        told = await self._good(request("PATCH", f"/users/{user}/profile", body, more="If-Match: *\r\n"))
        return str(told["applied"][0]["edit"]["edit_id"])

    async def _good(self, raw: bytes) -> dict[str, Any]:
        status, body = await ask(self._connection, raw)
        if status != 200:
            raise RuntimeError(f"{status} to {raw[:80]!r}: {body[:400]!r}")
        answer: dict[str, Any] = json.loads(body)
        return answer


@asynccontextmanager
async def _caller(bench: Living) -> AsyncIterator[Caller]:
    connection = await bench.portrait.address.connect()
    try:
        yield Caller(connection)
    finally:
        connection.close()


async def profiles(bench: Living) -> list[Row]:
    """Every user has a behaviour that no earlier answer knew."""
    await bench.freshen()
    users = bench.users(len(bench.world.user_ids), seed=1)
    requests = cycle([request("GET", f"/users/{user}/profile?include=evidence") for user in users])
    cpu = bench.portrait.cpu_seconds()
    measured = await open_loop(bench.portrait.address, requests, 100, bench.size.seconds)
    cpu_ms = 1000 * (bench.portrait.cpu_seconds() - cpu) / max(1, len(measured.latencies))
    return [Row(PROFILE, measured.percentile(99), note=f"{in_words(measured)}; {cpu_ms:.2g} ms of CPU each")]


async def history(bench: Living) -> list[Row]:
    """One user with a long past, who does something before every reading."""
    user, took = f"living-{secrets.token_hex(4)}", []
    async with _caller(bench) as call:
        for batch in _long_past(bench, user):
            await call.post(batch)
        for number in range(bench.size.n_histories):
            await call.post([_behavior(bench, user, number, datetime.now(UTC))])
            took.append(await _ms(call.get(f"/users/{user}/profile/history")))
    return [Row(HISTORY, max(took), note=f"p50 {np.median(took):.0f} ms of {len(took)}")]


def _long_past(bench: Living, user: str) -> Iterator[list[dict[str, Any]]]:
    start, step = datetime.now(UTC) - timedelta(days=365), timedelta(days=364) / N_LONG
    for first in range(0, N_LONG, 1_000):
        yield [_behavior(bench, user, number, start + number * step) for number in range(first, first + 1_000)]


def _behavior(bench: Living, user: str, number: int, at: datetime) -> dict[str, Any]:
    item = random.Random(number).choice(bench.world.item_ids)
    return {"user_id": user, "item_id": item, "type": TYPES[number % len(TYPES)], "occurred_at": at.isoformat()}


async def whys(bench: Living) -> list[Row]:
    """In turn an item that was shown and any other."""
    took = []
    async with _caller(bench) as call:
        for number, user in enumerate(bench.users(bench.size.n_whys, seed=2)):
            slate = await call.get(f"/users/{user}/recommendations?limit={LIMIT}")
            shown = [one["item_id"] for one in slate["items"]]
            item = random.Random(number).choice(shown if number % 2 else bench.world.item_ids)
            took.append(await _ms(call.get(_why_path(slate, item))))
    note = f"p50 {np.median(took):.0f}, longest {max(took):.0f} ms of {len(took)}"
    return [Row(WHY, float(np.percentile(took, 99)), note=note)]


async def never(bench: Living) -> list[Row]:
    """Somebody wants none of what they like most, and is shown all kinds of lists."""
    n_lists = n_items = n_wrong = 0
    async with _caller(bench) as call:
        for user in bench.users(bench.size.n_never // N_EACH, seed=3):
            for facet in (await _liked(call, user))[:1]:
                edit = await call.edit(user, action="never", facet=facet)
                for number in range(N_EACH):
                    carried = await _carried(call, user, _kind_of_list(number))
                    n_lists, n_items = n_lists + 1, n_items + len(carried)
                    n_wrong += sum(facet in facets for facets in carried)
                await call.edit(user, action="revert", edit_id=edit)
    return [Row(NEVER, n_wrong, note=f"{n_lists:,} lists, {n_items:,} items")]


def _kind_of_list(number: int) -> str:
    scenario = SCENARIOS[number % len(SCENARIOS)]
    return f"seen={SEEN[number % len(SEEN)]}&diversity={number % 11 / 10}" + (f"&scenario={scenario}" * bool(scenario))


async def more(bench: Living) -> list[Row]:
    """Of any one thing that somebody likes."""
    before, after = [], []
    async with _caller(bench) as call:
        for user in bench.users(bench.size.n_more, seed=4):
            liked = await _liked(call, user)
            if not liked:
                continue
            facet = random.Random(user).choice(liked)
            before.append(await _share(call, user, facet))
            edit = await call.edit(user, action="more", facet=facet)
            after.append(await _share(call, user, facet))
            await call.edit(user, action="revert", edit_id=edit)
    crowded = sum(new > MOST_SHARE >= old for old, new in zip(before, after, strict=True))
    note = f"from {mean(before):.3f} to {mean(after):.3f} on average over {len(before)} users"
    return [Row(MORE, 100 * (mean(after) / mean(before) - 1), note=note), Row(CROWDED, crowded)]


async def _share(call: Caller, user: str, facet: str) -> float:
    carried = await _carried(call, user)
    return mean(facet in facets for facets in carried)


async def counterfactuals(bench: Living) -> list[Row]:
    """What `why` says of the rank without a facet, beside the list without it."""
    n = n_true = n_moved = n_changed = 0
    async with _caller(bench) as call:
        for user in bench.users(bench.size.n_counterfactuals, seed=5):
            slate = await call.get(f"/users/{user}/recommendations?limit={FAR}")
            why = await call.get(_why_path(slate, random.Random(user).choice(slate["items"][:LIMIT])["item_id"]))
            for told in why["counterfactuals"][:1]:
                without = await call.get(
                    f"/users/{user}/recommendations?limit={FAR}&without={quote(told['facet'], safe='')}"
                )
                rank = told["rank"] if told["rank"] and told["rank"] <= FAR else None
                n, n_true = n + 1, n_true + (_place(without, why["item_id"]) == rank)
                n_moved, n_changed = n_moved + (told["rank"] != why["rank"]), n_changed + (not why["reproduced"])
    note = f"{n_true} of {n}; {n_moved} of them another rank; {n_changed} asked when what ranks had changed"
    return [Row(TRUE, 100 * n_true / max(n, 1), note=note)]


def _place(slate: dict[str, Any], item_id: str) -> int | None:
    return next((one["rank"] for one in slate["items"] if one["item_id"] == item_id), None)


def _why_path(slate: dict[str, Any], item_id: str) -> str:
    return f"/recommendations/{slate['recommendation_id']}/items/{quote(item_id, safe='')}"


async def _liked(call: Caller, user: str) -> list[str]:
    """Categories and attributes, the dearest first."""
    interests = (await call.get(f"/users/{user}/profile"))["interests"]
    return [one["facet"] for one in interests if not one["facet"].startswith("cluster:")]


async def _carried(call: Caller, user: str, more: str = "") -> list[set[str]]:
    """The facets of each recommended item."""
    path = f"/users/{user}/recommendations?limit={LIMIT}&include=item&explain=none&{more}".rstrip("&")
    items = (await call.get(path))["items"]
    return [set(facets_of(Item("", "", "", tuple(one["categories"]), one["attributes"]))) for one in items]


async def _ms(answer: Awaitable[object]) -> float:
    started = time.perf_counter()
    await answer
    return 1000 * (time.perf_counter() - started)
