"""Many more at once than there is room for: each is served or told to come again, and nothing said is untrue.

How soon they are told, and what of the service is left meanwhile, is measured by `python -m benchmarks.overload`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter

from app.settings import Settings
from tests.fuzz.checks import complaints
from tests.fuzz.link import Answer, Link
from tests.fuzz.message import Hearing, Message
from tests.fuzz.service import HEADERS, Server

N_CLIENTS = 4 * Settings(_env_file=None).max_in_flight
N_ROUNDS = 6
MOST_GROWTH_MB = 150
_TOLD = {200, 429, 503}


def test_under_overload_all_are_answered_and_what_was_acknowledged_is_there(server: Server) -> None:
    before_mb = server.rss_mb()
    answers = asyncio.run(_flood(server.where))
    seen = Counter(one.status for one in answers.values())
    assert set(seen) <= _TOLD
    assert seen[200] >= Settings(_env_file=None).max_in_flight
    assert seen[503] > 0
    assert all(int(one.headers[b"retry-after"]) > 0 for one in answers.values() if one.status != 200)
    assert server.rss_mb() - before_mb < MOST_GROWTH_MB
    asyncio.run(_assert_well(server.where))
    acknowledged = {name for name, one in answers.items() if one.status == 200 and one.method == "POST"}
    assert acknowledged
    assert asyncio.run(_stored(server.where)) == acknowledged


async def _flood(where: tuple[str, int]) -> dict[str, Answer]:
    """The answer to each request by its name; every client asks and tells in turn."""
    told: dict[str, Answer] = {}

    async def client(number: int) -> None:
        link = Link(*where, within_s=30.0)
        for step in range(N_ROUNDS):
            name = f"flood-{number}-{step}"
            told[name] = await _ask(link, _behavior(number, name) if step % 2 else _wish(number))
        await link.close()

    await asyncio.gather(*map(client, range(N_CLIENTS)))
    assert len(told) == N_CLIENTS * N_ROUNDS
    return told


async def _ask(link: Link, message: Message) -> Answer:
    """Raises where no whole answer comes; a 503 is a good one if it is `overloaded` and says when to come again."""
    message.headers = [(b"Host", b"flood"), (b"Content-Type", b"application/json"), *HEADERS]
    hearing = Hearing(message.raw())
    answers = await link.exchange((message.raw(),), hearing)
    assert not (found := complaints(answers, hearing)), found
    return answers[0]


def _wish(number: int) -> Message:
    return Message("", b"GET", b"/users/u-%d/recommendations" % (number % 12))


def _behavior(number: int, name: str) -> Message:
    told = {"user_id": f"flood-{number}", "item_id": "food-1", "type": "view", "behavior_id": name}
    return Message("", b"POST", b"/behaviors", tree=told)


async def _assert_well(where: tuple[str, int]) -> None:
    link = Link(*where)
    for path in (b"/health/ready", b"/users/u-1/recommendations"):
        assert (await _ask(link, Message("", b"GET", path))).status == 200
    await link.close()


async def _stored(where: tuple[str, int]) -> set[str]:
    link, found = Link(*where), set()
    for number in range(N_CLIENTS):
        log = await _ask(link, Message("", b"GET", b"/users/flood-%d/behaviors" % number))
        found |= {one["behavior_id"] for one in json.loads(log.body).get("items", ())}
    await link.close()
    return found
