"""What encryption costs: `python -m benchmarks.encryption`, about a minute.

Two services in one process, one with a master key, are asked the same in turn. Processor time, so other work on the
machine says little; that of Postgres is not in it. 200 users of 160 behaviours, 1,000 items, no learned models.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import psycopg

from app.main import create_app
from app.settings import Settings
from app.storage.embedded import EmbeddedPostgres
from app.storage.migrate import upgrade

N_USERS, N_ITEMS, N_EACH, N_ROUNDS = 200, 1_000, 160, 300
BATCH_EVERY = 10
_T0 = datetime.now(UTC) - timedelta(days=30)
_DRAW = random.Random(1)

Call = Callable[[httpx2.AsyncClient, str, int], Awaitable[httpx2.Response]]


def view(user_id: str, second: int, **more: Any) -> dict[str, Any]:
    at = (_T0 + timedelta(seconds=second)).isoformat()
    item_id = f"i{_DRAW.randrange(N_ITEMS)}"
    name = f"b{second}-{_DRAW.random()}"
    return {"user_id": user_id, "type": "view", "item_id": item_id, "occurred_at": at, "behavior_id": name} | more


def users() -> list[str]:
    return [f"user-{n}@example.org" for n in range(N_USERS)]


CALLS: dict[str, Call] = {
    "POST one behaviour": lambda http, user, n: http.post("/behaviors", json=view(user, n)),
    "GET profile": lambda http, user, _: http.get(f"/users/{user}/profile"),
    "GET recommendations": lambda http, user, _: http.get(f"/users/{user}/recommendations?limit=20"),
}
BATCHES: dict[str, Call] = {
    "POST 1,000 of known users": lambda http, _, n: http.post(
        "/behaviors", json=[view(user, n) for user in users() for _ in range(1_000 // N_USERS)]
    ),
    "POST 1,000 with session and context": lambda http, _, n: http.post(
        "/behaviors",
        json=[view(user, n, session_id="s", context={"page": k}) for user in users() for k in range(1_000 // N_USERS)],
    ),
    "POST 1,000 of new users": lambda http, _, n: http.post(
        "/behaviors", json=[view(f"new-{n}-{k}", n) for k in range(1_000)]
    ),
}


@asynccontextmanager
async def service(folder: Path, url: str, name: str, master_key: str | None) -> AsyncIterator[httpx2.AsyncClient]:
    """On a database of its own, with a life behind it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    own = url.replace("/portrait?", f"/{name}?")
    upgrade(own)
    app = create_app(
        Settings.model_validate({"database_url": own, "data_dir": folder / name, "master_key": master_key})
    )
    async with app.router.lifespan_context(app), _connected(app) as http:
        while (await http.get("/health/ready")).json()["parts"]["encoder"]["state"] != "ok":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        items = [{"item_id": f"i{n}", "title": f"thing {n}", "categories": [f"c{n % 20}"]} for n in range(N_ITEMS)]
        await _well(http.post("/items", json=items))
        for user in users():
            await _well(http.post("/behaviors", json=[view(user, n) for n in range(N_EACH)]))
            await _well(http.get(f"/users/{user}/profile"))
        await app.state.context.checkpoints.drain()
        yield http


def _connected(app: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1")


async def _well(asked: Awaitable[httpx2.Response]) -> None:
    (await asked).raise_for_status()


async def measured(services: dict[str, httpx2.AsyncClient]) -> dict[tuple[str, str], list[float]]:
    """Milliseconds of processor time by (call, service)."""
    took: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(N_ROUNDS):
        calls = CALLS | BATCHES if number % BATCH_EVERY == 0 else CALLS
        for name, http in _DRAW.sample(list(services.items()), len(services)):
            for what, call in calls.items():
                started = time.process_time()
                await _well(call(http, users()[number % N_USERS], N_EACH + number))
                took[what, name].append(1_000 * (time.process_time() - started))
    return took


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="portrait-encryption-") as name:
        server = EmbeddedPostgres(Path(name))
        url = server.start()
        try:
            async with AsyncExitStack() as stack:
                key = base64.b64encode(os.urandom(32)).decode()
                modes = {"plain": None, "encrypted": key, "plain_again": None}
                services = {
                    mode: await stack.enter_async_context(service(Path(name), url, mode, master))
                    for mode, master in modes.items()
                }
                told(await measured(services))
        finally:
            server.stop()


def told(took: dict[tuple[str, str], list[float]]) -> None:
    print("| CPU, median | plain | encrypted | more | plain again |\n|---|---|---|---|---|")
    for what in CALLS | BATCHES:
        plain, encrypted, again = (median(took[what, mode]) for mode in ("plain", "encrypted", "plain_again"))
        more, noise = (f"{100 * (one / plain - 1):+.1f} %" for one in (encrypted, again))
        print(f"| {what} | {plain:.2f} ms | {encrypted:.2f} ms | {more} | {noise} |")


if __name__ == "__main__":
    asyncio.run(main())
