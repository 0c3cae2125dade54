"""`verify` is content with a good system, and finds every fault that is planted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from app.domain.item import Item
from app.profiles.state import decode_state, encode_state
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.follow import Follower
from app.services.publish_space import publish_space
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.services.user_state import user_state
from app.services.verify import Checked, verify_users
from app.services.verify_world import compare, verify_world
from app.storage.items import delete_item, patch_item, put_items
from app.storage.models import live_model, promote
from app.storage.users import patch_user

WORDS = ["pizza", "bread", "soap", "towel", "kite", "lamp", "tea", "rice", "spade", "hammer"]
N_USERS, N_EACH = 5, 80  # more than the tail that is read without a checkpoint


@pytest.fixture
async def shop(context: Context) -> Context:
    """A system in use: items with vectors, a space, behaviours, checkpoints, a fit."""
    await put_items(context.db, [Item(f"{word}-{n}", f"{word} number {n}") for word in WORDS for n in range(3)])
    await record_behaviors(context, [behavior(user, n) for user in range(N_USERS) for n in range(N_EACH)])
    while await embed_texts(context):
        pass
    await patch_user(context.db, "u1", {"town": "Ulm"})  # a place in the log that holds no behaviour
    await publish_space(context)
    await retrain(context)
    await Follower(context).start()
    await read_all(context)
    return context


def behavior(user: int, n: int) -> dict[str, object]:
    said = {"text": "something warm"} if n == 7 else {}
    return {
        "user_id": f"u{user}",
        "item_id": f"{WORDS[(n + user) % 10]}-{n % 3}",
        "type": "purchase" if n % 4 == 0 else "view",
        "behavior_id": f"b{n}",
        **said,
    }


async def read_all(ctx: Context) -> None:
    for user in range(N_USERS):
        await user_state(ctx, f"u{user}")
    await ctx.checkpoints.drain()


async def do(ctx: Context, statement: str) -> None:
    async with ctx.db.connection() as connection:
        await connection.execute(statement)


async def wrong(ctx: Context, n_users: int | None = None) -> dict[str, int]:
    findings = [*await verify_users(ctx, n_users), *await verify_world(ctx)]
    return {found.what: found.n_wrong for found in findings if found.n_wrong}


def only(findings: Sequence[Checked], what: str) -> Checked:
    return next(found for found in findings if found.what == what)


async def test_a_good_system_agrees(shop: Context) -> None:
    assert await wrong(shop) == {}
    users, checkpoints, *_ = await verify_users(shop)
    assert (users.n_looked_at, checkpoints.n_looked_at) == (N_USERS, N_USERS)
    assert (await verify_users(shop, 2))[0].n_looked_at == 2
    assert only(await verify_world(shop), "index and catalogue").n_looked_at == 30


async def test_an_empty_system_agrees(context: Context) -> None:
    assert await wrong(context) == {}


@pytest.mark.parametrize("behind_the_checkpoint", [False, True])
async def test_a_lost_row_is_found(shop: Context, behind_the_checkpoint: bool) -> None:
    name = "late" if behind_the_checkpoint else "b3"
    await record_behaviors(shop, [{"user_id": "u2", "item_id": "tea-0", "type": "view", "behavior_id": "late"}])
    await do(shop, f"DELETE FROM behaviors WHERE user_id = 'u2' AND behavior_id = '{name}'")
    counters, checkpoints, *_ = await verify_users(shop)
    assert counters.examples == ["u2: 1 of 81 behaviours are missing"]
    assert checkpoints.n_wrong == (0 if behind_the_checkpoint else 1)


async def test_a_doubled_row_is_found(shop: Context) -> None:
    await do(
        shop,
        "ALTER TABLE behaviors DISABLE TRIGGER ALL;"
        "INSERT INTO behaviors (user_id, behavior_id, seq, type, occurred_at, timed, item_id)"
        " SELECT user_id, 'again', seq, type, occurred_at, timed, item_id"
        " FROM behaviors WHERE user_id = 'u3' AND behavior_id = 'b5';"
        "ALTER TABLE behaviors ENABLE TRIGGER ALL",
    )
    counters, checkpoints, *_ = await verify_users(shop)
    assert counters.examples == [
        "u3: 1 behaviours more than the 80 that were accepted",
        "u3: 1 behaviours share a place in the log",
    ]
    assert checkpoints.n_wrong == 0  # a fold passes over a place that it has seen


async def test_a_place_that_was_never_handed_out_is_found(shop: Context) -> None:
    await do(shop, "UPDATE users SET last_seq = 79 WHERE user_id = 'u0'")
    assert (await verify_users(shop))[0].examples == ["u0: places 1 to 80, but only 1 to 79 were handed out"]


async def test_a_wrong_checkpoint_is_found(shop: Context) -> None:
    async with shop.db.connection() as connection:
        cursor = await connection.execute("SELECT state FROM checkpoints WHERE user_id = 'u4'", binary=True)
        (kept,) = await cursor.fetchone() or (b"",)
        state = decode_state(kept)
        next(iter(state.items.values())).long += 1e-6
        await connection.execute("UPDATE checkpoints SET state = %s WHERE user_id = 'u4'", [encode_state(state)])
    assert await wrong(shop) == {"checkpoints and a fresh fold": 1}


async def test_behaviours_of_nobody_are_found(shop: Context) -> None:
    await do(shop, "DELETE FROM users WHERE user_id = 'u0'")
    assert await wrong(shop) == {"behaviours without a user": N_EACH}


@pytest.mark.parametrize("kind", ["space", "generators"])
async def test_a_flipped_bit_in_any_file_of_an_artifact_is_found(shop: Context, kind: str) -> None:
    live = await live_model(shop.db, kind)
    assert live is not None
    folder = shop.store.open(live.manifest)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) >= 3
    for path in files:
        flip(path)
        assert await wrong(shop) == {"artifacts and their SHA-256": 1, "live models that load": 1}, path.name
        flip(path)
    assert await wrong(shop) == {}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


async def test_a_space_whose_vectors_belong_to_other_items_is_found(shop: Context) -> None:
    """Every checksum is right, but what was published is wrong."""
    live = await live_model(shop.db, "space")
    assert live is not None
    old = shop.store.open(live.manifest)

    def swapped(folder: Path) -> None:
        for path in old.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        arrays = load_file(folder / "arrays.safetensors")
        arrays["vectors"] = np.roll(arrays["vectors"], 10, axis=0)
        save_file(arrays, folder / "arrays.safetensors")

    await promote(shop.db, "space", shop.store.publish("space", swapped, live.manifest["about"]))
    assert (await wrong(shop))["index and catalogue"] > 20


async def test_an_item_that_changed_without_a_word_is_found(shop: Context) -> None:
    """A worker that was never told: it serves what it read before."""
    follower = Follower(shop)
    await follower.start()
    await do(shop, "UPDATE items SET available = false WHERE item_id = 'tea-0'")
    await do(shop, "DELETE FROM items WHERE item_id = 'tea-1'")
    finding = await compare(shop, follower)
    assert finding.n_wrong == 2
    assert any("tea-1" in example for example in finding.examples)


async def test_it_agrees_on_a_running_system(shop: Context) -> None:
    """Behaviours, checkpoints, attributes and items keep coming while it looks."""
    stop = asyncio.Event()

    async def busy(user: int) -> None:
        n = 0
        while not stop.is_set():
            sent = [behavior(user, n + more) | {"behavior_id": f"n{n + more}"} for more in range(20)]
            await record_behaviors(shop, sent)
            await user_state(shop, f"u{user}")
            await patch_user(shop.db, f"u{user}", {"n": n})
            await put_items(shop.db, [Item(f"new-{user}-{n % 7}", f"new thing {n}")])
            await delete_item(shop.db, f"new-{user}-{(n + 3) % 7}")
            await patch_item(shop.db, "tea-0", {"available": bool(n % 2)})
            n += 20

    working = [asyncio.create_task(busy(user)) for user in range(N_USERS)]
    for _ in range(4):
        assert await wrong(shop) == {}
    stop.set()
    await asyncio.gather(*working)


async def test_the_quarantine_is_told_and_is_no_fault(shop: Context) -> None:
    await do(shop, "UPDATE behaviors SET value = 'NaN' WHERE user_id = 'u1' AND behavior_id = 'b3'")
    await do(shop, "DELETE FROM checkpoints; UPDATE users SET last_seq = last_seq + 1")
    assert (await verify_users(shop))[-1].note == "1 more will be, when somebody reads them"
    await read_all(shop)
    await shop.quarantine.drain()
    assert (await verify_users(shop))[-1].note == "1 set apart: `portrait redrive` tries them again"
    assert await wrong(shop) == {}
