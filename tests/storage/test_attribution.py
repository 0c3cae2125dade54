"""What came of recommendations: by hand, and against a simulation counted in Python."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.attribution import Attribution, By, Outcome
from app.domain.errors import InvalidInput
from app.domain.recommendation import Recommended, Slate
from app.evaluation.rates import wilson
from app.services.attribution import attribute
from app.services.context import Context
from app.services.record_behaviors import record_behaviors
from app.storage.decisions import add_decisions
from app.storage.users import patch_user

NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW - timedelta(days=20)


def slate(number: int, items: str, user: str | None = "ann", **fields: Any) -> Slate:
    """One letter an item; capitals were drawn."""
    shown = tuple(
        Recommended(letter.lower(), rank, 1 / rank, "explore" if letter.isupper() else "trend")
        for rank, letter in enumerate(items, 1)
    )
    told = {
        "recommendation_id": f"rec_{number:024x}",
        "user_id": user,
        "known_as": user,
        "scenario": "home",
        "profile_version": 1,
        "model_version": "m1",
        "generated_at": START,
        "degraded": False,
        "fallback_reason": None,
        "items": shown,
    }
    return Slate(**(told | fields))


def follow(number: int, item: str, type: str = "click", hours: float = 1.0, user: str = "ann") -> dict[str, Any]:
    return {
        "user_id": user,
        "item_id": item,
        "type": type,
        "occurred_at": (START + timedelta(hours=hours)).isoformat(),
        "recommendation_id": f"rec_{number:024x}",
    }


async def figures(ctx: Context, by: By = "scenario") -> dict[str | None, Outcome]:
    found: Attribution = await attribute(ctx, START - timedelta(days=1), NOW, by)
    return {one.figures.key: one for one in found.groups}


def counts(one: Outcome) -> tuple[int, int, int, int]:
    told = one.figures
    return told.n_slates, told.n_shown, told.n_clicked, told.n_purchased


async def test_only_what_was_shown_then_followed_in_time_counts_and_once(context: Context) -> None:
    await add_decisions(context.db, [slate(1, "abC"), slate(2, "ab", scenario=None, variant=None)])
    behaviors: list[object] = [
        follow(1, "a"),
        follow(1, "a", hours=2),  # again
        follow(1, "a", "purchase", hours=3),
        follow(1, "c", "view", hours=4),
        follow(1, "b", "impression", hours=4),  # seen, not followed
        follow(1, "x", hours=4),  # was not in the slate
        follow(1, "b", hours=-1),  # before it
        follow(1, "b", "purchase", hours=7 * 24 + 1),  # too late
        follow(9, "a"),  # of a slate that nobody knows
        follow(2, "b", "purchase", hours=7 * 24 - 1),
    ]
    await record_behaviors(context, behaviors)
    by_scenario = await figures(context)
    assert counts(by_scenario["home"]) == (1, 3, 2, 1)
    assert counts(by_scenario[None]) == (1, 2, 0, 1)
    assert by_scenario["home"].click_through == wilson(2, 3)
    assert by_scenario["home"].purchase_rate == wilson(1, 3)
    places = [
        (one.figures.position, one.figures.n_shown, one.figures.n_clicked) for one in by_scenario["home"].positions
    ]
    assert places == [(1, 1, 1), (2, 1, 0), (3, 1, 1)]
    by_source = await figures(context, "source")
    assert counts(by_source["trend"]) == (2, 4, 1, 2)
    assert counts(by_source["explore"]) == (1, 1, 1, 0)
    assert counts((await figures(context, "model"))["m1"]) == (2, 5, 2, 2)


async def test_a_click_that_is_told_in_whole_seconds_follows_the_slate_of_that_second(context: Context) -> None:
    await add_decisions(context.db, [slate(1, "ab", generated_at=START + timedelta(milliseconds=700))])
    await record_behaviors(context, [follow(1, "a", hours=0), follow(1, "b", hours=-1 / 3600)])
    assert counts((await figures(context))["home"]) == (1, 2, 1, 0)


async def test_robots_and_those_who_withdrew_their_consent_are_left_out(context: Context) -> None:
    await add_decisions(
        context.db, [slate(1, "ab"), slate(2, "ab", "robot"), slate(3, "ab", None), slate(4, "ab", "shy")]
    )
    await record_behaviors(context, [follow(1, "a"), follow(3, "a", user="visitor"), follow(4, "a", user="shy")])
    await patch_user(context.db, "shy", {}, consent=False)
    async with context.db.connection() as connection:
        await record_behaviors(context, [follow(2, "a", user="robot"), follow(1, "b", user="other robot")])
        await connection.execute("UPDATE behaviors SET flag = 'robot' WHERE user_id LIKE '%robot'")
    assert counts((await figures(context))["home"]) == (3, 6, 2, 0)


async def test_variants_are_told_apart_within_their_scenario(context: Context) -> None:
    slates = [
        slate(1, "a", variant="calm"),
        slate(2, "a"),
        slate(3, "a", scenario="mail", variant="calm"),
        slate(4, "a", scenario=None),
    ]
    await add_decisions(context.db, slates)
    await record_behaviors(context, [follow(1, "a"), follow(3, "a", hours=2)])
    found = await figures(context, "variant")
    assert {key: counts(one)[2] for key, one in found.items()} == {
        "home / calm": 1,
        "home / -": 0,
        "mail / calm": 1,
        None: 0,
    }


async def test_a_simulation_is_counted_as_in_python(context: Context) -> None:
    rng = random.Random(7)
    slates, behaviors, expected = [], [], {"home": [0, 0, 0], "mail": [0, 0, 0]}
    for number in range(300):
        scenario, user = rng.choice(["home", "mail"]), f"user-{rng.randrange(40)}"
        items = "".join(rng.sample("abcdefghij", 5))
        slates.append(slate(number, items, user, scenario=scenario))
        clicked = {item for item in items if rng.random() < 0.2}
        bought = {item for item in items if rng.random() < 0.1}
        tally = expected[scenario]
        tally[0], tally[1], tally[2] = tally[0] + 5, tally[1] + len(clicked), tally[2] + len(bought)
        for kind, chosen in (("click", clicked), ("purchase", bought)):
            behaviors += [
                follow(number, item, kind, rng.uniform(0.01, 160), user)
                for item in chosen
                for _ in range(rng.choice([1, 2]))
            ]
        behaviors.append(follow(number, "z", "purchase", 1.0, user))
    await add_decisions(context.db, slates)
    await record_behaviors(context, behaviors)
    found = await figures(context)
    assert {key: list(counts(one)[1:]) for key, one in found.items()} == expected
    for one in found.values():
        assert sum(place.figures.n_clicked for place in one.positions) == one.figures.n_clicked
        assert one.click_through is not None
        assert one.click_through.low < 0.2 < one.click_through.high


async def test_a_span_that_ends_before_it_begins_is_refused(context: Context) -> None:
    with pytest.raises(InvalidInput) as caught:
        await attribute(context, NOW, START, "scenario")
    assert caught.value.faults[0].pointer == "?since"
    assert (await attribute(context, None, None, "source")).groups == ()
