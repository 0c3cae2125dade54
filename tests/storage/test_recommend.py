"""Recommendations end to end: real Postgres, real encoder, what was posted a moment ago already counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.errors import InvalidInput
from app.domain.item import Item
from app.domain.recommendation import Slate, Wish
from app.encoders.text_encoder import TextEncoder
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.follow import Follower
from app.services.publish_space import publish_space
from app.services.recommend import recommend, recommend_for
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.services.trending import trending
from app.storage.items import delete_item, put_items
from app.storage.users import patch_user

FOOD = ("Margherita pizza", "Salami pizza", "Rye bread", "Gouda cheese", "Gluten free pasta", "Apple juice")
TOOLS = ("Claw hammer", "Cordless drill", "Hand saw", "Garden spade", "Pruning shears", "Wood screws")
NOW = datetime.now(UTC)


def shop() -> list[Item]:
    return [
        Item(f"{shelf}-{number}", title, categories=(f"Shop > {shelf}",))
        for shelf, titles in (("food", FOOD), ("tools", TOOLS))
        for number, title in enumerate(titles)
    ]


def act(user: str, item: str | None, type: str = "purchase", days: float = 1.0, **fields: Any) -> dict[str, Any]:
    behavior = {"user_id": user, "type": type, "occurred_at": (NOW - timedelta(days=days)).isoformat(), **fields}
    return behavior if item is None else behavior | {"item_id": item}


def crowd() -> list[object]:
    """Six who eat and four who build, each through the whole shelf."""
    return [
        act(f"{shelf}-lover-{user}", f"{shelf}-{(user + step) % 6}", days=20 - step)
        for shelf, n_users in (("food", 6), ("tools", 4))
        for user in range(n_users)
        for step in range(5)
    ]


@pytest.fixture
async def follower(context: Context) -> Follower:
    """A shop with vectors, a log and fitted generators."""
    await put_items(context.db, shop())
    await record_behaviors(context, crowd())
    while await embed_texts(context):
        pass
    await publish_space(context)
    await retrain(context)
    follower = Follower(context)
    await follower.start()
    return follower


def ids(slate: Slate) -> list[str]:
    return [one.item_id for one in slate.items]


@pytest.mark.usefixtures("follower")
async def test_a_behaviour_changes_the_very_next_slate(context: Context) -> None:
    await record_behaviors(context, [act("ann", "tools-0")])
    wish = Wish(limit=3, diversity=0.0)
    before = await recommend(context, "ann", wish)
    assert {item.split("-")[0] for item in ids(before)} == {"tools"}
    assert before.fallback_reason is None
    await record_behaviors(context, [act("ann", ids(before)[0], "dislike", 0.0), act("ann", "food-1", days=0.0)])
    after = await recommend(context, "ann", wish)
    assert after.profile_version == before.profile_version + 2
    assert ids(before)[0] not in ids(after)
    assert any(item.startswith("food") for item in ids(after))


@pytest.mark.usefixtures("follower")
async def test_every_item_has_a_true_reason(context: Context) -> None:
    await record_behaviors(context, [act("ann", "tools-0", "view")])
    slate = await recommend(context, "ann", Wish(limit=4, diversity=0.0, explain="full"))
    assert slate.items[0].reason is not None
    assert slate.items[0].reason.text == "Because you looked at Claw hammer"
    assert slate.items[0].contributions is not None


@pytest.mark.usefixtures("follower")
async def test_what_was_searched_for_leads(context: Context) -> None:
    await record_behaviors(context, [act("ann", "tools-0"), act("ann", None, "search", 0.0, text="gluten free")])
    first = (await recommend(context, "ann", Wish(limit=3))).items[0]
    assert first.item_id == "food-4"
    assert first.reason is not None
    assert first.reason.text == 'Because you searched for "gluten free"'


@pytest.mark.usefixtures("follower")
async def test_words_that_get_their_vector_late_count_without_another_behaviour(
    context: Context, encoder: TextEncoder
) -> None:
    context.encoder = TextEncoder()
    await record_behaviors(context, [act("ann", "tools-0"), act("ann", None, "search", 0.0, text="gluten free")])
    assert (await recommend(context, "ann", Wish(limit=3))).degraded
    context.encoder = encoder
    await embed_texts(context)
    slate = await recommend(context, "ann", Wish(limit=3))
    assert not slate.degraded
    assert slate.items[0].item_id == "food-4"


@pytest.mark.usefixtures("follower")
async def test_an_unknown_user_gets_what_is_popular_and_is_told(context: Context) -> None:
    slate = await recommend(context, "nobody", Wish(limit=6))
    assert slate.fallback_reason == "user_unknown"
    assert slate.profile_version == 0
    assert [one.source for one in slate.items] == ["trend"] * 6


@pytest.mark.usefixtures("follower")
async def test_without_consent_the_past_plays_no_part(context: Context) -> None:
    await record_behaviors(context, [act("ann", "tools-0"), act("bob", "food-0")])
    slates = []
    for user in ("ann", "bob"):
        await patch_user(context.db, user, {}, consent=False)
        slates.append(await recommend(context, user, Wish(limit=12)))
    assert slates[0].items == slates[1].items
    assert [slate.fallback_reason for slate in slates] == ["consent_off"] * 2


@pytest.mark.usefixtures("follower")
async def test_a_user_of_unknown_items_has_no_history_yet(context: Context) -> None:
    await record_behaviors(context, [act("ann", "not in the shop")])
    assert (await recommend(context, "ann", Wish())).fallback_reason == "no_history"


@pytest.mark.usefixtures("follower")
async def test_habits_speak_when_bought_items_may_come(context: Context) -> None:
    await record_behaviors(context, [act("ann", "food-2", days=7.0 * week) for week in range(1, 5)])
    first = (await recommend(context, "ann", Wish(seen="include"))).items[0]
    assert first.item_id == "food-2"
    assert first.reason is not None
    assert first.reason.text == "You buy it about every 7 days; the last time was 7 days ago"
    assert "food-2" not in ids(await recommend(context, "ann", Wish()))


async def test_a_new_item_is_recommended_by_its_text_after_the_next_step(context: Context, follower: Follower) -> None:
    await record_behaviors(context, [act("ann", "food-0"), act("ann", "food-1", days=0.5)])
    await put_items(context.db, [Item("food-new", "Tuna pizza", categories=("Shop > food",))])
    await embed_texts(context)
    await follower.step()
    slate = await recommend(context, "ann", Wish(limit=6))
    assert "food-new" in ids(slate)
    reason = next(one.reason for one in slate.items if one.item_id == "food-new")
    assert reason is not None
    assert "close to" in reason.text or "into food" in reason.text


async def test_a_deleted_item_is_gone_after_the_next_step(context: Context, follower: Follower) -> None:
    assert "food-0" in ids(await recommend(context, None, Wish(limit=12)))
    await delete_item(context.db, "food-0")
    await follower.step()
    assert "food-0" not in ids(await recommend(context, None, Wish(limit=12)))


@pytest.mark.usefixtures("follower")
async def test_as_of_a_moment_later_behaviours_are_unknown(context: Context) -> None:
    await record_behaviors(context, [act("ann", "tools-0", days=10), act("ann", "food-0", days=1)])
    then = await recommend(context, "ann", Wish(limit=12), NOW - timedelta(days=5))
    assert "food-0" in ids(then)
    assert "tools-0" not in ids(then)
    assert "food-0" not in ids(await recommend(context, "ann", Wish(limit=12)))


@pytest.mark.usefixtures("follower")
async def test_filters_leave_a_full_slate_and_say_when_it_is_filled_up(context: Context) -> None:
    await record_behaviors(context, [act("ann", "tools-0")])
    slate = await recommend(context, "ann", Wish(limit=20, category="food"))
    assert sorted(ids(slate)) == [f"food-{number}" for number in range(6)]
    await context.db.close()
    context.world.catalogue.put(Item("bare"))
    filled = await recommend_for(context, [{"item_id": "tools-0", "type": "view"}], Wish(limit=20))
    assert ids(filled)[-1] == "bare"
    assert filled.fallback_reason == "few_candidates"


@pytest.mark.usefixtures("follower")
async def test_without_a_database_something_is_shown_and_the_slate_says_so(context: Context) -> None:
    await context.db.close()
    slate = await recommend(context, "ann", Wish(limit=5))
    assert slate.degraded
    assert slate.fallback_reason == "database_unavailable"
    assert len(slate.items) == 5


@pytest.mark.usefixtures("follower")
async def test_a_wish_in_words_leads_and_without_an_encoder_the_slate_says_so(context: Context) -> None:
    wish = Wish(limit=3, statement="shears for pruning roses")
    slate = await recommend(context, "nobody", wish)
    assert slate.items[0].item_id == "tools-4"
    assert slate.items[0].reason is not None
    assert slate.items[0].reason.text == 'Because you asked for "shears for pruning roses"'
    context.encoder = TextEncoder()
    deaf = await recommend(context, "nobody", wish)
    assert deaf.degraded
    assert len(deaf.items) == 3


@pytest.mark.usefixtures("follower")
async def test_behaviours_in_the_request_count_and_leave_no_trace(context: Context) -> None:
    raws: list[object] = [
        {"item_id": "tools-0", "type": "view"},
        {"user_id": "ann", "item_id": "tools-1", "type": "like"},
    ]
    slate = await recommend_for(context, raws, Wish(limit=2, diversity=0.0))
    assert {item.split("-")[0] for item in ids(slate)} == {"tools"}
    assert slate.user_id is None
    assert slate.fallback_reason is None
    assert (await recommend(context, "ann", Wish())).fallback_reason == "user_unknown"


@pytest.mark.usefixtures("follower")
async def test_words_in_the_request_count(context: Context) -> None:
    slate = await recommend_for(context, [{"type": "search", "text": "gluten free"}], Wish(limit=2))
    assert slate.items[0].item_id == "food-4"


@pytest.mark.usefixtures("follower")
async def test_a_bad_behaviour_in_the_request_is_named(context: Context) -> None:
    with pytest.raises(InvalidInput) as caught:
        await recommend_for(context, [{"item_id": "tools-0", "type": "view"}, {"item_id": 5, "type": "view"}], Wish())
    assert [fault.pointer for fault in caught.value.faults] == ["/behaviors/1/item_id"]


@pytest.mark.usefixtures("follower")
async def test_trending_goes_by_category_and_counts_from_one(context: Context) -> None:
    found = await trending(context, "tools", 3)
    assert [one.rank for one in found] == [1, 2, 3]
    assert all(one.item_id.startswith("tools") for one in found)
    assert [one.source for one in found] == ["trend"] * 3


async def test_before_anything_was_learned_trending_shows_what_there_is(context: Context) -> None:
    assert await trending(context, None, 5) == []
    await put_items(context.db, shop())
    await Follower(context).start()
    assert len(await trending(context, None, 5)) == 5
    assert len((await recommend(context, "nobody", Wish(limit=5))).items) == 5


async def test_nothing_is_learned_from_a_log_that_says_nothing(context: Context) -> None:
    assert await retrain(context) is None
    await record_behaviors(context, [act("ann", "food-0", "impression")])
    assert await retrain(context) is None


async def test_learning_again_makes_another_version_that_serves(context: Context, follower: Follower) -> None:
    before = context.world.model_version
    await record_behaviors(context, [act(f"new-{user}", "food-3", days=0.1) for user in range(9)])
    assert await retrain(context) is not None
    await follower.step()
    assert context.world.model_version != before
    assert (await trending(context, None, 1))[0].item_id == "food-3"
