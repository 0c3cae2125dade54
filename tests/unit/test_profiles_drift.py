"""Who turns to something else is told from who is steady, and from who always wanders."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.domain.profile import Drift
from app.profiles.decay import DAY_S
from app.profiles.describe import describe
from app.profiles.drift import drift_of, turn_of
from app.profiles.interests import interests_of
from app.profiles.people import Standing
from app.profiles.phrases import since_when
from app.profiles.state import State
from tests.spaces import BruteForceSpace, no_space
from tests.unit import people_board as board

N_KINDS, N_EACH = 20, 10


def _catalogue() -> Catalogue:
    return Catalogue(
        Item(f"{kind}-{n}", categories=(f"All > kind {kind}",)) for kind in range(N_KINDS) for n in range(N_EACH)
    )


CATALOGUE = _catalogue()


def _user(kinds: list[int], seed: int = 0, every_days: float = 1.0) -> State:
    """One interaction after the other with some item of each of these kinds, oldest first, the last one just now."""
    rng = np.random.default_rng(seed)
    days = every_days * np.arange(len(kinds))[::-1]
    lines = [
        (0, f"{kind}-{rng.integers(N_EACH)}", "purchase", float(day)) for kind, day in zip(kinds, days, strict=True)
    ]
    return board.state_of(lines, 0)


def _steady(seed: int, n: int) -> list[int]:
    rng = np.random.default_rng(seed)
    return rng.choice(N_KINDS, n, p=rng.dirichlet(np.full(N_KINDS, 0.5))).tolist()


@pytest.mark.parametrize("n", [15, 30, 60, 150])
def test_at_most_one_of_twenty_steady_users_seems_to_turn(n):
    turning = [drift_of(_user(_steady(seed, n), seed), CATALOGUE, no_space()) is not None for seed in range(200)]
    assert np.mean(turning) <= 0.05


@pytest.mark.parametrize("n_new", [5, 8, 12, 20])
def test_who_switches_is_seen_after_a_few(n_new):
    rng = np.random.default_rng(n_new)
    found = []
    for seed in range(40):
        old, new = rng.choice(4, 60).tolist(), (10 + rng.choice(3, n_new)).tolist()
        found.append(drift_of(_user(old + new, seed), CATALOGUE, no_space()))
    assert np.mean([one is not None for one in found]) >= 0.9


def test_the_turn_has_a_beginning_and_a_direction():
    drift = drift_of(_user([0, 1] * 20 + [7] * 10), CATALOGUE, no_space())
    assert drift is not None
    assert drift.score == pytest.approx(1.0)
    assert drift.to_labels == ("kind 7",)
    assert drift.to_facets == ("category:all > kind 7",)
    assert set(drift.from_labels) == {"kind 0", "kind 1"}
    assert drift.since_at == datetime.fromtimestamp(board.NOW - 9 * DAY_S, UTC)


def test_it_is_over_when_the_new_has_become_usual():
    assert drift_of(_user([0, 1] * 20 + [7, 8] * 60), CATALOGUE, no_space()) is None


def test_who_always_wanders_is_not_turning():
    """Bouts of ten: the last one is new, as every one was before."""
    bouts = [kind for kind in range(10) for _ in range(10)]
    assert drift_of(_user(bouts), CATALOGUE, no_space()) is None


def test_a_turn_is_the_surer_the_more_there_is_of_it():
    steady, turned = _user([0, 1] * 30), _user([0, 1] * 20 + [7] * 10)
    assert turn_of(steady, CATALOGUE, no_space()) == 0.0
    assert turn_of(turned, CATALOGUE, no_space()) == pytest.approx(1.0)
    turns = [turn_of(_user([0, 1] * 20 + [7] * n), CATALOGUE, no_space()) for n in range(10)]
    assert all(0.0 <= turn <= 1.0 for turn in turns)
    assert turns[0] == 0.0 < turns[9]


def test_items_without_a_category_turn_by_their_clusters():
    bare = Catalogue(Item(f"i{n}") for n in range(40))
    space = BruteForceSpace(np.eye(40, dtype=np.float32), [n // 10 for n in range(40)], ["mugs", "bags", "lights", "x"])
    items = [*[f"i{n % 20}" for n in range(40)], *[f"i{20 + n}" for n in range(10)]]
    lines = [(0, item, "purchase", 50.0 - n) for n, item in enumerate(items)]
    drift = drift_of(board.state_of(lines, 0), bare, space)
    assert drift is not None
    assert drift.to_labels == ("lights",)


@pytest.mark.parametrize(
    "state",
    [
        State(),
        board.state_of([(0, "0-0", "purchase", 1.0)], 0),
        board.state_of([(0, "0-0", "purchase", float(n)) for n in range(100)], 0),  # one category
        board.state_of([(0, f"unknown {n}", "purchase", float(n)) for n in range(100)], 0),
        board.state_of([(0, "0-0", "dislike", float(n)) for n in range(100)], 0),
        board.state_of([(0, f"{n % 3}-0", "purchase", 1.0) for n in range(60)], 0),  # all at one time
    ],
    ids=["nobody", "one", "one category", "unknown items", "only refusals", "one time"],
)
def test_nothing_is_told_where_nothing_shows(state):
    assert drift_of(state, CATALOGUE, no_space()) is None
    assert turn_of(state, CATALOGUE, no_space()) == 0.0


def _told(state: State, standing: Standing) -> str:
    interests, avoids = interests_of(state, CATALOGUE, no_space(), board.HALF_LIVES, board.NOW)
    return describe(state, interests, avoids, (), board.NOW, standing).text


def test_the_summary_tells_the_turn_once_and_the_segment():
    state = _user([0, 1] * 20 + [7] * 10)
    standing = Standing("busy, broad shoppers", (), drift_of(state, CATALOGUE, no_space()))
    text = _told(state, standing)
    assert "Since last week turns from kind 0 and kind 1 to kind 7" in text
    assert "more kind 7" not in text
    assert "; one of the busy, broad shoppers" in text
    assert "Since last week" not in _told(state, Standing())
    assert "one of the" not in _told(state, Standing())


def test_a_turn_without_a_direction_is_not_told():
    state = _user([0, 1] * 20)
    for to in ((), ("kind 0",)):
        nowhere = Drift(0.5, datetime.fromtimestamp(board.NOW, UTC), ("category:a > kind 0",), to, ("kind 0",), to)
        assert "turns" not in _told(state, Standing(drift=nowhere))


def test_every_claim_of_a_turn_names_its_facet():
    state = _user([0, 1] * 20 + [7] * 10)
    drift = drift_of(state, CATALOGUE, no_space())
    claims = describe(state, (), (), (), board.NOW, Standing(drift=drift)).claims
    assert {claim.facet for claim in claims if claim.facet} == {f"category:all > kind {kind}" for kind in (0, 1, 7)}


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "since today"),
        (1, "since yesterday"),
        (4, "since Friday"),
        (9, "since last week"),
        (20, "since 25 October 2023"),
        (90, "since August 2023"),
    ],
)
def test_since_when_is_said_as_people_say_it(days, words):
    assert since_when(board.NOW - days * DAY_S, board.NOW) == words
