"""What was learned from somebody who is erased does not serve again, and is learned anew without being asked."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.errors import Conflict
from app.domain.item import Item
from app.jobs.news import RetrainOnNews
from app.jobs.run import run_job
from app.services import retrain as learning
from app.services.context import Context
from app.services.manage_models import promote_model
from app.services.retrain import retrain
from app.storage.behaviors import copy_log
from app.storage.items import put_items
from app.storage.jobs import claimed
from app.storage.models import get_model, live_model
from tests.people import erase, post, view


@pytest.fixture
async def shop(context: Context) -> Context:
    await put_items(context.db, [Item(f"i{number}") for number in range(5)])
    for user in range(12):
        await post(context, *(view(f"u{user}", f"b{n}", f"i{(user + n) % 5}", type="purchase") for n in range(3)))
    return context


async def learned(ctx: Context) -> int:
    version = await retrain(ctx)
    assert version is not None
    return version


async def train_if_asked(ctx: Context) -> bool:
    async with claimed(ctx.db) as job:
        if job is not None:
            await run_job(ctx, job, asyncio.Event())
        return job is not None


async def test_a_model_of_before_is_not_promoted_and_one_of_after_is(shop: Context) -> None:
    first, second = await learned(shop), await learned(shop)
    await promote_model(shop.db, shop.store, first)
    await erase(shop, "u3")
    for version in (first, second):
        with pytest.raises(Conflict) as refusal:
            await promote_model(shop.db, shop.store, version)
        assert refusal.value.code == "model_knows_erased"
    third = await learned(shop)
    live = await live_model(shop.db, "generators")
    assert live is not None
    assert live.version == third
    await promote_model(shop.db, shop.store, third)


async def test_a_training_that_had_read_the_log_does_not_go_live(
    shop: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user is erased between the reading and the end."""
    first = await learned(shop)

    def slowly(*arguments: object) -> object:
        asyncio.run_coroutine_threadsafe(erase(shop, "u3"), loop).result(30)
        return learn(*arguments)  # type: ignore[arg-type]

    loop, learn = asyncio.get_running_loop(), learning._learn
    monkeypatch.setattr(learning, "_learn", slowly)
    second = await learned(shop)
    assert (await get_model(shop.db, second)).promoted_at is None
    live = await live_model(shop.db, "generators")
    assert live is not None
    assert live.version == first


async def test_an_erasure_asks_for_a_training(shop: Context) -> None:
    due = RetrainOnNews()
    assert [await due(shop) for _ in range(2)] == [None, 1]
    assert await train_if_asked(shop)
    assert await due(shop) is None
    await erase(shop, "u3")
    assert await due(shop) == 1
    assert await train_if_asked(shop)
    assert await due(shop) is None
    assert b"u3," not in b"".join([chunk async for chunk in copy_log(shop.db)])


async def test_where_nobody_is_left_training_is_asked_for_once(shop: Context) -> None:
    due = RetrainOnNews()
    await due(shop)
    await due(shop)
    await train_if_asked(shop)
    for user in range(12):
        await erase(shop, f"u{user}")
    assert await due(shop) == 1
    await train_if_asked(shop)
    assert [await due(shop) for _ in range(3)] == [None] * 3
