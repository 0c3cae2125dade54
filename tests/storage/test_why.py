"""Why an item stands where it stands, and why another is not there; counterfactuals are the very places."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from app.domain.errors import InvalidInput, NotFound
from app.domain.item import Item
from app.domain.recommendation import Slate
from app.domain.why import Why
from app.services.context import Context
from app.services.decide import decide, decide_for
from app.services.edit_profile import edit_profile
from app.services.embed_texts import embed_texts
from app.services.follow import Follower
from app.services.plan_edits import Change
from app.services.publish_space import publish_space
from app.services.recommend import recommend
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.services.why import explain_item
from app.storage.items import put_items

KINDS = ("Pizza", "Bread", "Cheese", "Tea", "Soap", "Paint")
N_EACH, N_USERS = 12, 40
NOW = datetime.now(UTC)


def shop() -> list[Item]:
    brands = ("private", "national")
    return [
        Item(f"{kind}-{n}", f"{kind} number {n}", categories=(f"Shop > {kind}",), attributes={"brand": brands[n % 2]})
        for kind in KINDS
        for n in range(N_EACH)
    ]


def crowd() -> list[object]:
    """Everybody likes two kinds, one of them more."""
    rng = np.random.default_rng(0)
    behaviors: list[object] = []
    for user in range(N_USERS):
        kinds = rng.choice(len(KINDS), 2, replace=False)
        for step in range(16):
            kind = KINDS[kinds[0] if rng.random() < 0.65 else kinds[1]]
            at = NOW - timedelta(days=60 - 3 * step, minutes=user)
            item_id = f"{kind}-{rng.integers(N_EACH)}"
            behaviors.append(
                {"user_id": f"u{user}", "item_id": item_id, "type": "purchase", "occurred_at": at.isoformat()}
            )
    return behaviors


@pytest.fixture
async def ctx(context: Context) -> Context:
    await put_items(context.db, shop())
    await record_behaviors(context, crowd())
    while await embed_texts(context):
        pass
    await publish_space(context)
    await retrain(context)
    await Follower(context).start()
    return context


async def shown(ctx: Context, user: str, **said: Any) -> Slate:
    return await decide(ctx, user, said)


async def why(ctx: Context, slate: Slate, item_id: str) -> Why:
    return await explain_item(ctx, slate.recommendation_id, item_id)


async def test_what_is_shown_is_told_with_its_place_sources_and_reason(ctx: Context) -> None:
    slate = await shown(ctx, "u1", limit=8, explain="full")
    for one in slate.items:
        told = await why(ctx, slate, one.item_id)
        assert (told.stage, told.rank, told.source, told.reason) == ("shown", one.rank, one.source, one.reason)
        assert told.contributions == one.contributions
        assert told.reproduced
        assert told.rule is None
        assert f"Rank {one.rank}" in told.text
        if one.source not in ("catalogue", "explore"):
            assert told.sources[one.source].rank


async def test_a_hundred_counterfactuals_are_the_places_that_a_list_without_the_facet_has(ctx: Context) -> None:
    n_checked = n_moved = 0
    for user in range(N_USERS):
        slate = await shown(ctx, f"u{user}", limit=20, seen="include")
        for one in slate.items[:3]:
            for counterfactual in (await why(ctx, slate, one.item_id)).counterfactuals:
                wish = replace(slate.wish, without=(counterfactual.facet,))
                again = await recommend(ctx, f"u{user}", wish, slate.generated_at)
                places = {item.item_id: item.rank for item in again.items}
                if counterfactual.rank is not None and counterfactual.rank <= len(again.items):
                    assert places[one.item_id] == counterfactual.rank
                else:
                    assert one.item_id not in places
                n_checked += 1
                n_moved += counterfactual.rank != one.rank
        if n_checked >= 100:
            break
    assert n_checked >= 100
    assert n_moved >= 20


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"seen": "exclude"}, "seen"),
        ({"seen": "include", "exclude": ("Tea-0",)}, "excluded"),
        ({"seen": "include", "category": "Soap"}, "other_category"),
        ({"seen": "include", "attributes": {"brand": "national"}}, "other_attributes"),
        ({"seen": "include", "candidates": ("Tea-1", "Tea-2")}, "not_a_candidate"),
        ({"seen": "include", "context_items": ("Tea-0",)}, "at_hand"),
    ],
)
async def test_the_rule_that_kept_an_item_out_is_named(ctx: Context, said: dict[str, Any], rule: str) -> None:
    await record_behaviors(ctx, [{"user_id": "u1", "item_id": "Tea-0", "type": "purchase"}])
    slate = await shown(ctx, "u1", limit=5, **said)
    told = await why(ctx, slate, "Tea-0")
    assert (told.stage, told.rule, told.rank, told.counterfactuals) == ("filter", rule, None, ())
    assert told.text.startswith("Kept out: ")


async def test_what_was_asked_never_to_come_says_so_and_later_changes_of_mind_do_not_matter(ctx: Context) -> None:
    edited = await edit_profile(ctx, "u1", [Change("never", facet="tea")], lambda _: None)
    slate = await shown(ctx, "u1", limit=5, seen="include")
    await edit_profile(ctx, "u1", [Change("revert", edit_id=edited.profile.edits[0].edit_id)], lambda _: None)
    told = await why(ctx, slate, "Tea-3")
    assert (told.stage, told.rule) == ("filter", "never")
    assert told.reproduced
    assert (await why(ctx, await shown(ctx, "u1", limit=5, seen="include"), "Tea-3")).rule is None


async def test_it_is_told_as_it_was_when_the_answer_was_given(ctx: Context) -> None:
    slate = await shown(ctx, "u2", limit=5, seen="include")
    first = slate.items[0].item_id
    times = [(NOW - timedelta(hours=hour)).isoformat() for hour in range(1, 9)]
    disliked = {"user_id": "u2", "item_id": first, "type": "dislike"}
    await record_behaviors(ctx, [disliked | {"occurred_at": at} for at in times])
    told = await why(ctx, slate, first)
    assert (told.stage, told.rank, told.reproduced) == ("shown", 1, True)
    assert (await why(ctx, await shown(ctx, "u2", limit=5, seen="include"), first)).rank != 1


async def test_what_others_outran_has_its_place_behind_them(ctx: Context) -> None:
    slate = await shown(ctx, "u3", limit=5, seen="include", diversity=0.0)
    longer = await shown(ctx, "u3", limit=30, seen="include", diversity=0.0)
    for one in longer.items[5:20]:
        told = await why(ctx, slate, one.item_id)
        assert (told.stage, told.rank) == ("rank", one.rank)
        assert f"came {one.rank} among" in told.text


async def test_what_variety_takes_a_place_from_says_so(ctx: Context) -> None:
    slate = await shown(ctx, "u3", limit=10, seen="include", diversity=0.9)
    plain = await shown(ctx, "u3", limit=10, seen="include", diversity=0.0)
    lost = {one.item_id for one in plain.items} - {one.item_id for one in slate.items}
    assert lost
    for item_id in lost:
        assert (await why(ctx, slate, item_id)).stage == "mix"


async def test_of_a_visitor_nothing_is_known_afterwards(ctx: Context) -> None:
    slate = await decide_for(ctx, [{"item_id": "Tea-0", "type": "view"}], {"limit": 5})
    told = await why(ctx, slate, slate.items[0].item_id)
    assert told.counterfactuals == ()
    assert not told.reproduced


async def test_unknown_items_answers_and_facets_are_refused(ctx: Context) -> None:
    slate = await shown(ctx, "u1", limit=5)
    with pytest.raises(NotFound, match="item"):
        await why(ctx, slate, "nothing")
    with pytest.raises(NotFound, match="recommendation"):
        await explain_item(ctx, "rec_000000000000000000000000", "Tea-0")
    with pytest.raises(InvalidInput) as refused:
        await shown(ctx, "u1", without=["piza"])
    assert "pizza" in refused.value.faults[0].hint
