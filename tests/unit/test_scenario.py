"""What holds where: the request, then the variant, then the scenario, then the defaults."""

from __future__ import annotations

from collections import Counter

import pytest

from app.domain.recommendation import Wish
from app.domain.scenario import Scenario, Variant, Wanted, scenario_of, settings_of

CALM = Variant("calm", 0.3, {"diversity": 0.1})
BOLD = Variant("bold", 0.2, {"diversity": 0.9, "limit": 5})
HOME = Scenario("home", {"limit": 12, "seen": "include"}, (CALM, BOLD))


def test_the_request_wins_over_the_variant_over_the_scenario_over_the_defaults() -> None:
    wanted = Wanted({"scenario": "home", "seen": "exclude"}, HOME)
    assert wanted.wish() == Wish(scenario="home", limit=12, seen="exclude")
    assert wanted.wish(BOLD) == Wish(scenario="home", limit=5, seen="exclude", diversity=0.9)
    assert Wanted({"limit": 3}, HOME).wish(BOLD).limit == 3


def test_an_explicit_null_and_an_explicit_default_win_too() -> None:
    cheese = Scenario("cheese", {"category": "cheese", "limit": 3})
    assert Wanted({"category": None, "limit": 20}, cheese).wish() == Wish()


def test_an_unknown_scenario_is_a_label() -> None:
    wanted = Wanted({"scenario": "somewhere"})
    assert wanted.variant_of("ann") is None
    assert wanted.wish() == Wish(scenario="somewhere")


def test_users_keep_their_variant_and_fall_into_them_by_the_shares() -> None:
    users = [f"user-{number}" for number in range(10_000)]
    found = {user: HOME.variant_of(user) for user in users}
    n_of = Counter(variant.name if variant else None for variant in found.values())
    assert n_of["calm"] == pytest.approx(3_000, abs=150)
    assert n_of["bold"] == pytest.approx(2_000, abs=130)
    assert n_of[None] == pytest.approx(5_000, abs=160)
    changed = Scenario("home", {"limit": 99}, (BOLD, CALM))
    assert {user: changed.variant_of(user) for user in users} == found


def test_two_scenarios_split_their_users_apart() -> None:
    other = Scenario("mail", {}, (Variant("calm", 0.5),))
    half = Scenario("home", {}, (Variant("calm", 0.5),))
    both = sum(
        half.variant_of(user) is not None and other.variant_of(user) is not None
        for user in (f"user-{number}" for number in range(4_000))
    )
    assert both == pytest.approx(1_000, abs=100)


def test_a_whole_share_takes_everybody() -> None:
    everybody = Scenario("home", {}, (Variant("a", 0.5), Variant("b", 0.5)))
    assert all(everybody.variant_of(str(number)) for number in range(2_000))


def test_nobody_known_gets_the_scenario_itself() -> None:
    assert Wanted({}, Scenario("home", {}, (Variant("a", 1.0),))).variant_of(None) is None


def test_what_is_sent_gets_the_names_of_a_wish() -> None:
    sent = {"filter": {"brand": "x"}, "pinned": ["a"], "include": ["item"], "at": None}
    assert settings_of(sent) == {"attributes": {"brand": "x"}, "pinned": ("a",)}


def test_a_scenario_is_read_as_it_was_sent() -> None:
    sent = {"limit": 3, "variants": [{"name": "a", "share": 0.5, "filter": {"brand": "x"}}]}
    scenario = scenario_of("home", sent, None, built_in=True)
    assert scenario.variants == (Variant("a", 0.5, {"attributes": {"brand": "x"}}),)
    assert dict(scenario.settings) == {"limit": 3}
    assert scenario.sent == sent
