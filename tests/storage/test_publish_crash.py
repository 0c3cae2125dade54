"""A space is published by a process that dies at every step: a start finds the old one or the new one, whole."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from app.domain.item import Item
from app.registry.store import Store
from app.services.context import Context
from app.services.follow import Follower
from app.services.publish_space import publish_space
from app.storage.items import put_items, save_item_embeddings
from app.storage.models import live_model
from tests.storage.test_follow import another_worker

# One process that forks, so that nothing is imported twice: for n = 1, 2, ... a child publishes a larger space and dies
# without any clean-up at its nth call that touches the disk, then another child starts as a worker does and tells.
_SCRIPT = """
import asyncio, itertools, json, os, sys
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.encoders.text_encoder import TextEncoder
from app.index.faiss_space import FaissSpace
from app.registry.store import Store
from app.retrieval.base import World
from app.services.context import Context
from app.services.follow import Follower
from app.services.publish_space import renew_space
from app.services.verify_world import verify_world
from app.storage.engine import Database
from app.storage.items import put_items, save_item_embeddings
from app.storage.models import live_model

async def opened():
    db = await Database.open(sys.argv[1], pool_size=1)
    world = World(Catalogue(), FaissSpace(), (), "none")
    store = Store(Path(sys.argv[2]))
    return Context(db=db, encoder=TextEncoder(), store=store, world=world, now=lambda: datetime.now(UTC))

async def publish(n):
    ctx = await opened()
    items = [Item(f"new-{n}-{k}", f"new {n} {k}") for k in range(5)]
    vectors = np.random.default_rng(n).normal(size=(5, 384)).astype(np.float16)
    await put_items(ctx.db, items)
    pairs = [(item.item_id, item.text, vector.tobytes()) for item, vector in zip(items, vectors)]
    await save_item_embeddings(ctx.db, ctx.encoder.name, pairs)
    calls = itertools.count(1)
    def dying(real):
        def call(*args, **options):
            if next(calls) == n:
                os._exit(9)
            return real(*args, **options)
        return call
    os.fsync, os.rename, os.replace = dying(os.fsync), dying(os.rename), dying(os.replace)
    await renew_space(ctx)

async def tell(code):
    ctx = await opened()
    live = await live_model(ctx.db, "space")
    follower = Follower(ctx)
    await follower.start()
    findings = await verify_world(ctx)
    print(json.dumps({
        "code": code, "live": live.manifest["name"], "serves": ctx.world.space.version, "problems": follower.problems,
        "wrong": {found.what: found.examples for found in findings if found.n_wrong},
        "n_items": ctx.world.space.n_items}), flush=True)

def in_child(work):
    pid = os.fork()
    if pid == 0:
        asyncio.run(work)
        os._exit(0)
    work.close()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

for n in itertools.count(1):
    code = in_child(publish(n))
    assert in_child(tell(code)) == 0
    if code != 9:
        sys.exit(code)
"""


async def filled(ctx: Context, n: int = 40) -> None:
    items = [Item(f"old-{k}", f"old {k}") for k in range(n)]
    vectors = np.random.default_rng(0).normal(size=(n, 384)).astype(np.float16)
    await put_items(ctx.db, items)
    pairs = [(item.item_id, item.text, vector.tobytes()) for item, vector in zip(items, vectors, strict=True)]
    await save_item_embeddings(ctx.db, ctx.encoder.name, pairs)


async def test_a_start_finds_the_old_or_the_new_space(context: Context, database_url: str) -> None:
    await filled(context)
    await publish_space(context)
    old = await live_model(context.db, "space")
    assert old is not None
    words = [sys.executable, "-c", _SCRIPT, database_url, str(context.store.root)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=False, env=one_thread)
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    *killed, last = told
    assert [one["code"] for one in killed] == [9] * 6  # three files, the folder, its rename, the folder above
    assert {one["live"] for one in killed} == {old.manifest["name"]}
    assert last["live"] != old.manifest["name"]
    for n, one in enumerate(told, 1):
        assert one["serves"] == one["live"]
        assert one["problems"] == one["wrong"] == {}
        assert one["n_items"] == 40 + 5 * n  # also what came after the space was made


async def test_a_flipped_bit_in_any_file_is_refused_and_made_anew_from_the_database(context: Context) -> None:
    await filled(context)
    await publish_space(context)
    names = list((await manifest(context))["files"])
    assert len(names) == 3
    for name in names:
        flip(context.store.open(await manifest(context)) / name)
        fresh = another_worker(context)
        follower = Follower(fresh)
        await follower.start()
        assert f"{name} has another SHA-256" in follower.problems["space"]
        assert fresh.world.space.version == "raw"
        fresh.store = Store(context.store.root)
        assert await publish_space(fresh) is not None
        await follower.step()
        assert follower.problems == {}
        assert fresh.world.space.version == (await manifest(context))["name"]


async def manifest(ctx: Context) -> dict[str, Any]:
    live = await live_model(ctx.db, "space")
    assert live is not None
    return live.manifest


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    draw = random.Random(len(content))
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
