"""What was recommended is recorded beside the requests, read right after, and forgotten in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.bootstrap import open_context
from app.domain.decision import Decision
from app.domain.errors import NotFound
from app.domain.item import Item
from app.domain.recommendation import Recommended, Slate, Wish
from app.services.context import Context
from app.services.decide import decide, decide_for, forget_old_decisions
from app.services.decisions import MOST_WAITING, DecisionSaver, read_decision
from app.services.follow import Follower
from app.services.record_behaviors import record_behaviors
from app.services.scenarios import put_scenario
from app.settings import Settings
from app.storage.decisions import add_decisions, get_decision
from app.storage.engine import Database
from app.storage.items import put_items
from app.storage.users import patch_user, put_user

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def slate(number: int, **fields: object) -> Slate:
    items = (Recommended("a", 1, 0.5, "trend"), Recommended("b", 2, 0.1, "explore", propensity=0.25))
    told: dict[str, object] = {
        "recommendation_id": f"rec_{number:024x}",
        "user_id": "ann",
        "scenario": "home",
        "profile_version": 7,
        "model_version": "m",
        "generated_at": NOW,
        "degraded": False,
        "fallback_reason": None,
        "items": items,
        "known_as": "ann",
    }
    return Slate(**(told | fields))  # type: ignore[arg-type]


async def read(ctx: Context, slate: Slate) -> Decision:
    return await read_decision(ctx.decisions, ctx.db, slate.recommendation_id)


@pytest.fixture
async def shop(context: Context) -> Context:
    await put_items(context.db, [Item(f"i{number}", f"Thing {number}") for number in range(30)])
    await Follower(context).start()
    return context


async def test_a_decision_comes_back_as_it_was_made(db: Database) -> None:
    wish = Wish(
        limit=2,
        attributes={"brand": "x"},
        exclude=("c",),
        candidates=("a", "b"),
        sources={"trend": 0.5},
        quotas={"cheese": 2},
        exploration=0.5,
        statement='"quotes" and \N{SNOWMAN}',
    )
    made = slate(1, variant="calm", asked_at=NOW - timedelta(days=3), wish=wish, space_version="s", catalogue_version=9)
    await add_decisions(db, [made, slate(2)])
    await add_decisions(db, [replace(made, profile_version=8)])  # a repeat changes nothing
    found = await get_decision(db, made.recommendation_id)
    assert found is not None
    for name in Decision.__dataclass_fields__:
        assert getattr(found, name) == getattr(made, name), name


async def test_what_was_answered_can_be_read_at_once_with_all_that_was_in_force(shop: Context) -> None:
    await record_behaviors(shop, [{"user_id": "ann", "item_id": "i1", "type": "purchase"}])
    await put_scenario(shop.scenarios, shop.db, "home", {"limit": 4, "variants": [{"name": "all", "share": 1.0}]})
    made = await decide(shop, "ann", {"scenario": "home", "diversity": 0.1, "statement": "thing"})
    found = await read(shop, made)
    assert (found.user_id, found.scenario, found.variant) == ("ann", "home", "all")
    assert found.profile_version == 1
    assert found.wish == Wish(limit=4, scenario="home", diversity=0.1, statement="thing")
    assert found.catalogue_version == shop.world.catalogue_version > 0
    assert [one.item_id for one in found.items] == [one.item_id for one in made.items]
    assert [one.score for one in found.items] == [one.score for one in made.items]
    assert found.asked_at is None


async def test_of_those_who_are_not_to_be_known_neither_name_nor_words_are_kept(shop: Context) -> None:
    await put_user(shop.db, "secret", "ann", {})
    await patch_user(shop.db, "ann", {}, consent=False)
    await put_scenario(shop.scenarios, shop.db, "home", {"variants": [{"name": "all", "share": 1.0}]})
    said = {"scenario": "home", "statement": "something for my knee"}
    for made in (await decide(shop, "ann", said), await decide_for(shop, [], said)):
        found = await read(shop, made)
        assert (found.user_id, found.variant, found.wish.statement) == (None, None, None)
        assert found.scenario == "home"
        assert made.items
    assert (await read(shop, await decide(shop, "nobody yet", said))).user_id == "nobody yet"


async def test_a_reader_waits_for_the_queue_of_another_process_and_not_for_nothing(db: Database) -> None:
    loop = asyncio.get_running_loop()
    other = DecisionSaver()
    other.put(db, slate(1))
    found = await read_decision(DecisionSaver(), db, slate(1).recommendation_id)
    assert found.user_id == "ann"
    started = loop.time()
    with pytest.raises(NotFound) as caught:
        await read_decision(DecisionSaver(), db, slate(2).recommendation_id)
    assert caught.value.code == "recommendation_unknown"
    assert 0.9 < loop.time() - started < 3
    started = loop.time()
    with pytest.raises(NotFound):
        await read_decision(DecisionSaver(), db, "not one of ours")
    assert loop.time() - started < 0.1


async def test_many_are_saved_a_moment_later_without_being_asked(db: Database) -> None:
    saver = DecisionSaver()
    for number in range(1_200):
        saver.put(db, slate(number))
    await asyncio.sleep(0)
    assert await get_decision(db, slate(0).recommendation_id) is None
    await saver.drain()
    async with db.connection() as connection:
        counted = await (await connection.execute("SELECT count(*) FROM recommendations")).fetchone()
    assert counted == (1_200,)
    assert saver.n_lost == 0


async def test_a_shutdown_saves_what_waits(database_url: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    settings = Settings(database_url=database_url, data_dir=tmp_path, _env_file=None)
    async with open_context(settings) as ctx:
        made = [(await decide(ctx, f"user-{number}", {})).recommendation_id for number in range(20)]
    db = await Database.open(database_url)
    assert all([await get_decision(db, one) for one in made])
    await db.close()


async def test_without_a_database_requests_go_on_and_what_is_lost_is_counted(database_url: str) -> None:
    db = await Database.open("postgresql://nobody@127.0.0.1:9/nothing", pool_size=1)
    saver = DecisionSaver()
    for number in range(MOST_WAITING + 3):
        saver.put(db, slate(number))
    assert saver.n_lost == 3
    await saver.drain()
    assert saver.n_lost == MOST_WAITING + 3
    await db.close()


async def test_one_that_the_database_refuses_does_not_stop_the_others(db: Database) -> None:
    saver = DecisionSaver()
    saver.put(db, slate(1, scenario="\x00"))
    await saver.flush(db)
    saver.put(db, slate(2))
    await saver.flush(db)
    assert saver.n_lost == 1
    assert await get_decision(db, slate(2).recommendation_id)
    await saver.drain()


async def test_the_old_ones_are_forgotten(context: Context) -> None:
    context.decisions_days = 30
    now = datetime.now(UTC)
    ages = [1, 29, 31, 400]
    await add_decisions(context.db, [slate(age, generated_at=now - timedelta(days=age)) for age in ages])
    assert await forget_old_decisions(context) == 2
    assert await forget_old_decisions(context) == 0
    left = [age for age in ages if await get_decision(context.db, slate(age).recommendation_id)]
    assert left == [1, 29]
