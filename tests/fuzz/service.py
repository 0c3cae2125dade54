"""A server process as `portrait serve` starts it, on a shop that has been learned, with a key for everything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

import app
from app.bootstrap import open_context
from app.domain.item import Item
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.publish_space import publish_space
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.settings import Settings
from app.storage.items import put_items
from tests.cli.portrait import COMMAND, environment, wait_for
from tests.fuzz.message import Header
from tests.fuzz.samples import ITEMS, USERS

KEY = "of-the-fuzzer-0123456789abcdef0123"
HEADERS: list[Header] = [(b"X-API-Key", KEY.encode())]


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    process: psutil.Process
    log: Path

    @property
    def where(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def rss_mb(self) -> float:
        return float(self.process.memory_info().rss) / 1e6


@contextlib.contextmanager
def serving(database_url: str, folder: Path, **settings: str) -> Iterator[Server]:
    """The real worker process, killed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as door, (folder / "worker.log").open("ab") as log:
        port = door.getsockname()[1]
        told = {
            "data_dir": folder / "data",
            "database_url": database_url,
            "api_keys": KEY,
            "port": str(port),
            **settings,
        }
        child = subprocess.Popen(
            [*COMMAND, "worker", "--socket", str(door.fileno()), "--supervisor", str(os.getpid())],
            env={**environment(**told), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(app.__file__).parents[1])},
            stdout=log,
            stderr=log,
            pass_fds=(door.fileno(),),
        )
        try:
            wait_for(port)
            yield Server(port, psutil.Process(child.pid), folder / "worker.log")
        finally:
            child.kill()
            child.wait()


def learn_a_shop(database_url: str, folder: Path) -> None:
    """Items with vectors, people who do things, fitted generators and a ranker where there is enough for one."""
    settings = Settings(database_url=database_url, data_dir=folder / "data", _env_file=None)
    asyncio.run(_learn(settings))


async def _learn(settings: Settings) -> None:
    async with open_context(settings) as ctx:
        await put_items(ctx.db, [_item(item_id) for item_id in ITEMS])
        await record_behaviors(ctx, list(_behaviors(ctx)))
        while not ctx.encoder.ready:  # noqa: ASYNC110 - it loads in a thread and tells nobody
            await asyncio.sleep(0.05)
        while await embed_texts(ctx):
            pass
        await publish_space(ctx)
        await retrain(ctx)


def _item(item_id: str) -> Item:
    shelf, number = item_id.split("-")
    return Item(
        item_id, f"{shelf} thing number {number}", categories=(f"Shop > {shelf}",), attributes={"brand": "private"}
    )


def _behaviors(ctx: Context) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for place, user in enumerate(USERS):
        for step in range(8):
            at = now - timedelta(days=30 - step)
            item = ITEMS[(place + step) % len(ITEMS)]
            yield {"user_id": user, "item_id": item, "type": "purchase", "occurred_at": at.isoformat()}
        yield {"user_id": user, "type": "search", "text": "a hammer or some pizza"}
