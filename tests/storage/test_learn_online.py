"""A behaviour is learned from seconds after it came, once, and as a whole fit would learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from app.domain.errors import Conflict, NotFound
from app.domain.item import Item
from app.registry.store import Store
from app.retrieval import text_map, trend
from app.retrieval.artifact import read_arrays
from app.services import learn_online
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.follow import Follower
from app.services.learn_online import LearnOnline
from app.services.merge_users import merge_users
from app.services.publish_space import publish_space, renew_space
from app.services.read_profile import read_profile
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.services.trending import trending
from app.storage.behaviors import copy_log
from app.storage.flags import lift_flags
from app.storage.items import put_items
from app.storage.learned import load_told, save_learned
from app.storage.models import LiveModel, live_model
from app.storage.users import patch_user, put_user
from app.training.dataset import read_log

DAY = "2023-11-{day:02}T{hour:02}:00:00Z"
WORDS = ["pizza", "bread", "cheese", "soap", "sponge", "towel", "tea", "coffee", "kite", "drum"]


async def post(ctx: Context, lines: Sequence[tuple[int, int, int]]) -> None:
    """(user, item, day of the month); the hour is that of the user, so two lines of a day are one moment."""
    raws = [
        {
            "user_id": f"u{user}",
            "item_id": f"i{item}",
            "type": "purchase",
            "occurred_at": DAY.format(day=day, hour=user),
        }
        for user, item, day in lines
    ]
    assert (await record_behaviors(ctx, raws)).accepted == len(raws)


@pytest.fixture
async def shop(context: Context) -> Context:
    """Ten items in a published space, and a first fit of what five users bought."""
    await put_items(context.db, [Item(f"i{number}", f"A {word}") for number, word in enumerate(WORDS)])
    while await embed_texts(context):
        pass
    await publish_space(context)
    await post(context, [(user, (user + step) % 10, 1 + step) for user in range(5) for step in range(6)])
    assert await retrain(context) is not None
    return context


async def until_done(step: LearnOnline, ctx: Context) -> None:
    while await step(ctx):
        pass


async def assert_as_a_whole_fit(ctx: Context) -> None:
    """What is live equals `fit` over the log as training reads it, but for what only a whole fit learns."""
    live = await live_model(ctx.db, "online")
    assert live is not None
    folder = ctx.store.open(live.manifest)
    log = read_log(b"".join([chunk async for chunk in copy_log(ctx.db)]), ctx.ingest.weights).wanted().compact()
    worker = replace(ctx)
    await Follower(worker).start()
    space = worker.world.space
    expected = text_map.fit(log, space.vectors(worker.world.catalogue.rows(log.item_ids)), space.version)["map"]
    found = read_arrays(folder / "text_map.safetensors")["map"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * float(np.abs(expected).max()))
    known, whole = read_arrays(folder / "trend.safetensors"), trend.fit(log)
    assert known["until"] == whole["until"]
    np.testing.assert_allclose(sorted(known["counts"].ravel()), sorted(whole["counts"].ravel()), rtol=1e-5)


async def bought_most(ctx: Context) -> str:
    return (await trending(ctx, None, 1))[0].item_id


async def test_what_is_posted_is_known_to_every_worker_after_a_step(shop: Context) -> None:
    step, follower = LearnOnline(), Follower(shop)
    await until_done(step, shop)
    await follower.start()
    await assert_as_a_whole_fit(shop)
    before = shop.world
    assert "online" in before.model_version
    await post(shop, [(user, 9, 20) for user in range(10, 18)])
    assert await bought_most(shop) != "i9"
    await step(shop)
    await follower.step()
    assert shop.world.model_version != before.model_version
    assert await bought_most(shop) == "i9"
    await assert_as_a_whole_fit(shop)


async def test_late_ones_and_several_steps_come_to_a_whole_fit(shop: Context) -> None:
    step = LearnOnline()
    await until_done(step, shop)
    for lines in ([(1, 7, 9), (1, 8, 9)], [(1, 2, 3), (6, 3, 2)], [(6, 4, 1), (1, 8, 2)]):
        await post(shop, lines)
        await step(shop)
        await assert_as_a_whole_fit(shop)


async def test_all_users_are_reached_and_those_who_come_meanwhile(
    shop: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_online, "N_USERS", 2)
    step = LearnOnline()
    assert await step(shop) == 2
    assert await live_online(shop) is None  # nothing is live before everybody was learned from
    await post(shop, [(0, 9, 12), (7, 5, 12)])
    await until_done(step, shop)
    await until_done(step, shop)
    await assert_as_a_whole_fit(shop)


async def test_another_process_goes_on_from_what_was_saved(shop: Context) -> None:
    await until_done(LearnOnline(), shop)
    first = await live_online(shop)
    await post(shop, [(3, 9, 15)])
    await LearnOnline()(shop)
    second = await live_online(shop)
    assert first is not None
    assert second is not None
    assert second.manifest["about"]["generators"] == first.manifest["about"]["generators"]
    await assert_as_a_whole_fit(shop)


async def test_of_two_who_learn_at_once_nobody_counts_twice(shop: Context) -> None:
    one, other = LearnOnline(), LearnOnline()
    await until_done(one, shop)
    await post(shop, [(3, 9, 15)])
    await other(shop)
    await post(shop, [(4, 9, 16)])
    with pytest.raises(Conflict):
        await one(shop)
    await one(shop)
    await assert_as_a_whole_fit(shop)


async def test_without_news_nothing_is_published(shop: Context) -> None:
    step = LearnOnline()
    await until_done(step, shop)
    before = await live_online(shop)
    assert await step(shop) is None
    await record_behaviors(shop, [{"user_id": "u1", "item_id": "i1", "type": "impression"}])
    await step(shop)
    assert await live_online(shop) == before


async def test_a_new_fit_and_a_new_space_begin_anew(shop: Context) -> None:
    step, follower = LearnOnline(), Follower(shop)
    await until_done(step, shop)
    await put_items(shop.db, [Item("i10", "A violin")])
    while await embed_texts(shop):
        pass
    for renew in (retrain, renew_space):
        await renew(shop)
        await follower.start()
        assert "online" not in shop.world.model_version
        await until_done(step, shop)
        await follower.step()
        assert "online" in shop.world.model_version
        await assert_as_a_whole_fit(shop)


async def test_whoever_does_not_consent_is_not_learned_from(shop: Context) -> None:
    step = LearnOnline()
    await until_done(step, shop)
    await put_user(shop.db, "secret", "u20", {})
    await post(shop, [(20, 9, 20)])
    await patch_user(shop.db, "u20", {}, consent=False)
    await step(shop)
    await assert_as_a_whole_fit(shop)


async def test_a_merged_visitor_is_learned_from_once_as_the_user(shop: Context) -> None:
    """What was learned of the visitor, what was not yet, what both had, and a chain."""
    step = LearnOnline()
    await post(shop, [(6, 3, 4), (6, 4, 5), (7, 4, 5), (7, 9, 6)])
    await until_done(step, shop)
    await post(shop, [(6, 5, 8)])
    await merge_users(shop, "u1", "u6")
    await step(shop)
    await assert_as_a_whole_fit(shop)
    await merge_users(shop, "u8", "u7")
    await merge_users(shop, "u1", "u8")
    await post(shop, [(7, 2, 9), (1, 8, 9)])
    await step(shop)
    await assert_as_a_whole_fit(shop)


async def test_another_process_knows_what_is_to_be_taken_back(shop: Context) -> None:
    await post(shop, [(6, 3, 4), (6, 4, 5)])
    await until_done(LearnOnline(), shop)
    await merge_users(shop, "u1", "u6")
    await until_done(LearnOnline(), shop)
    await assert_as_a_whole_fit(shop)


async def test_visitors_who_are_merged_on_the_way_through_all_users(
    shop: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_online, "N_USERS", 2)
    await post(shop, [(user, user, 4) for user in (6, 7, 8)])
    step = LearnOnline()
    await step(shop)
    await merge_users(shop, "u4", "u0")  # passed already, into one who comes later
    await merge_users(shop, "u1", "u8")  # the other way round
    await until_done(step, shop)
    await until_done(step, shop)
    await assert_as_a_whole_fit(shop)


async def test_a_visitor_who_is_merged_while_learned_from_is_learned_from_anew(shop: Context) -> None:
    step = LearnOnline()
    await until_done(step, shop)
    await post(shop, [(6, 3, 4), (6, 4, 5)])
    live = await live_online(shop)
    assert live is not None
    told = await load_told(shop.db, ["u6"])
    await merge_users(shop, "u1", "u6")
    with pytest.raises(Conflict):
        await save_learned(shop.db, live.version, live.manifest, told)
    await step(shop)
    await assert_as_a_whole_fit(shop)


async def test_before_the_first_whole_fit_it_waits(context: Context) -> None:
    await post(context, [(1, 1, 1)])
    assert await LearnOnline()(context) is None
    assert await live_online(context) is None


async def test_a_damaged_model_is_made_anew(shop: Context) -> None:
    await until_done(LearnOnline(), shop)
    live = await live_online(shop)
    assert live is not None
    (shop.store.open(live.manifest) / "sums.safetensors").write_bytes(b"nothing")
    fresh = replace(shop, store=Store(shop.store.root))
    await until_done(LearnOnline(), fresh)
    await assert_as_a_whole_fit(fresh)


async def live_online(ctx: Context) -> LiveModel | None:
    return await live_model(ctx.db, "online")


async def test_what_is_no_longer_flagged_is_learned_from(shop: Context) -> None:
    """Also when everything behind it was learned before: a row that comes back is news."""
    strict = replace(shop, ingest=replace(shop.ingest, burst_per_minute=2))
    await post(strict, [(9, 1, 8), (9, 2, 8), (9, 3, 8), (9, 4, 8)])
    await post(shop, [(9, 5, 9)])
    step = LearnOnline()
    await until_done(step, shop)
    before = (await read_profile(shop, "u9")).counts
    assert await lift_flags(shop.db, "u9") == 2
    assert sum((await read_profile(shop, "u9")).counts.values()) == sum(before.values()) + 2
    await step(shop)
    await assert_as_a_whole_fit(shop)
    assert await lift_flags(shop.db, "u9") == 0
    with pytest.raises(NotFound):
        await lift_flags(shop.db, "nobody")


async def test_nothing_on_disk_could_run(shop: Context) -> None:
    """Numbers, words, FAISS' own structures and LightGBM's own text: no kind of file that runs when it is read."""
    await until_done(LearnOnline(), shop)
    files = [path for path in shop.store.root.rglob("*") if path.is_file()]
    kinds = {"".join(path.suffixes[-2:]) if path.suffix == ".txt" else path.suffix for path in files}
    assert {".safetensors", ".json"} <= kinds <= {".safetensors", ".json", ".faiss", ".trees.txt"}
