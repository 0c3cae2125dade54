"""Models are swapped under load: no answer fails, and each comes from one pair of space and models."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2

from app.domain.item import Item
from app.services.context import Context
from app.services.publish_space import publish_space
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.storage.items import put_items

from .wire import Service, wait_for

N_SWAPS = 100
N_CLIENTS = 4
VERSION = re.compile(r"space-(\d+)\.generators-(\d+)")


async def two_of_each(ctx: Context) -> None:
    """Two versions of what is learned, the second one live."""
    await put_items(ctx.db, [Item(f"swap-{n}", f"Tea number {n}") for n in range(30)])
    raws = [{"user_id": f"swap-u{n % 9}", "item_id": f"swap-{n % 30}", "type": "purchase"} for n in range(90)]
    await record_behaviors(ctx, raws)
    await publish_space(ctx)
    for _ in range(2):
        await retrain(ctx)


def test_a_hundred_swaps_under_load_fail_no_request(client: httpx2.Client, service: Service) -> None:
    service.run(two_of_each)
    listed = client.get("/models", params={"kind": "generators", "limit": 2}).json()["items"]
    versions = [model["version"] for model in listed]
    assert len(versions) == 2
    swapped = threading.Event()
    with ThreadPoolExecutor(N_CLIENTS) as clients:
        asking = [clients.submit(_ask, client, number, swapped) for number in range(N_CLIENTS)]
        try:
            for number in range(N_SWAPS):
                promoted = client.post(f"/models/{versions[number % 2]}/promotion")
                assert promoted.status_code == 200, promoted.text
        finally:
            swapped.set()
        answers = [answer for one in asking for answer in one.result()]
    assert {status for status, _ in answers} == {200}
    seen = {int(found[2]) for _, text in answers if (found := VERSION.match(text))}
    assert seen >= set(versions)
    wait_for(lambda: _served(client) == versions[(N_SWAPS - 1) % 2])


def _ask(client: httpx2.Client, number: int, swapped: threading.Event) -> list[tuple[int, str]]:
    """(status, model version) of every answer; each must be whole."""
    answers = []
    while not swapped.is_set():
        answer = client.get(f"/users/swap-u{number}/recommendations", params={"limit": 5, "seen": "include"})
        told = answer.json()
        assert len({one["item_id"] for one in told["items"]}) == len(told["items"]) == 5, told
        answers.append((answer.status_code, told["model_version"]))
    return answers


def _served(client: httpx2.Client) -> int:
    found = VERSION.match(client.get("/users/swap-u0/recommendations").json()["model_version"])
    return int(found[2]) if found else 0
