"""What a user turns to: known right answers on a board of two groups of users and two of items."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.describe import describe
from app.profiles.evidence import Witnesses
from app.profiles.fold import fold
from app.profiles.interests import interests_of
from app.profiles.state import State
from tests.spaces import BruteForceSpace, no_space

NOW = 1_700_000_000.0
HALF_LIVES = HalfLives()


def _catalogue() -> Catalogue:
    """60 films of horror, 30 of romance, 10 of science: giant and small categories."""
    kinds = ["horror"] * 60 + ["romance"] * 30 + ["science"] * 10
    return Catalogue(Item(f"i{n}", f"{kind} {n}", categories=(f"Films > {kind}",)) for n, kind in enumerate(kinds))


def _user(*did: tuple[str, str, float, float]) -> State:
    """(item, type, weight, days ago)"""
    rows = [
        Interaction(n, f"b{n}", type_, NOW - days * DAY_S, weight, item)
        for n, (item, type_, weight, days) in enumerate(did, 1)
    ]
    return fold(State(), rows, HALF_LIVES)


def _read(state: State, catalogue: Catalogue | None = None, space: BruteForceSpace | None = None):
    return interests_of(state, catalogue or _catalogue(), space or no_space(), HALF_LIVES, NOW)


@pytest.mark.parametrize(("first", "label"), [(0, "horror"), (60, "romance"), (90, "science")])
def test_everybody_gets_the_interest_of_their_own_group(first, label):
    state = _user(*[(f"i{first + n}", "watch", 0.5, 30 + n) for n in range(8)])
    interests, avoids = _read(state)
    assert [one.label for one in interests] == [label]
    assert interests[0].n_evidence == 8
    assert avoids == ()


def test_what_the_catalogue_is_full_of_says_less_than_what_is_rare():
    did = [(f"i{n}", "watch", 0.5, 30 + n) for n in range(5)] + [(f"i{90 + n}", "watch", 0.5, 30 + n) for n in range(5)]
    interests, _ = _read(_user(*did))
    assert interests[0].label == "science"


def test_an_interest_of_the_last_days_is_rising_and_an_old_one_is_not():
    did = [(f"i{n}", "watch", 0.5, 60 + n) for n in range(12)] + [(f"i{60 + n}", "watch", 0.5, 1) for n in range(6)]
    trends = {one.label: (one.trend, one.horizon) for one in _read(_user(*did))[0]}
    assert trends["romance"] == ("rising", "short")
    assert trends["horror"][0] != "rising"
    assert trends["horror"][1] == "long"


def test_refusals_are_avoided_and_no_interest():
    did = [(f"i{n}", "dislike", -0.8, 5 + n) for n in range(5)] + [(f"i{60 + n}", "watch", 0.5, 5) for n in range(5)]
    interests, avoids = _read(_user(*did))
    assert [one.label for one in avoids] == ["horror"]
    assert [one.label for one in interests] == ["romance"]


def test_an_item_counts_once_it_arrives_in_the_catalogue():
    catalogue = _catalogue()
    state = _user(*[(f"new{n}", "watch", 0.5, n) for n in range(5)])
    assert _read(state, catalogue) == ((), ())
    for n in range(5):
        catalogue.put(Item(f"new{n}", categories=("Films > western",)))
    assert [one.label for one in _read(state, catalogue)[0]] == ["western"]


def test_items_without_a_category_stand_in_their_cluster():
    catalogue = Catalogue(Item(f"i{n}", f"item {n}") for n in range(20))
    space = BruteForceSpace(
        np.eye(20, dtype=np.float32), [n // 5 for n in range(20)], ["mugs", "lights", "bags", "cards"]
    )
    interests, _ = _read(_user(*[(f"i{n}", "purchase", 1.0, n) for n in range(5, 9)]), catalogue, space)
    assert [(one.facet, one.label) for one in interests] == [("cluster:lights", "lights")]


def test_shares_lie_between_0_and_1_and_nothing_is_told_of_an_empty_user():
    assert _read(State()) == ((), ())
    for one in _read(_user(("i0", "watch", 0.5, 0.0)))[0]:
        assert 0 <= one.weight <= 1


def test_every_claim_of_the_summary_brings_its_evidence():
    catalogue, space = _catalogue(), no_space()
    did = [(f"i{n}", "purchase", 1.0, 40 + n) for n in range(12)] + [
        (f"i{60 + n}", "purchase", 1.0, 1) for n in range(6)
    ]
    state = _user(*did, ("i95", "dislike", -0.8, 3.0), *[("i0", "purchase", 1.0, 10.0 + n) for n in range(4)])
    witnesses = Witnesses(state, catalogue, space)
    interests, avoids = _read(state, catalogue)
    interests = tuple(witnesses.back(one, liked=True) for one in interests)
    avoids = tuple(witnesses.back(one, liked=False) for one in avoids)
    summary = describe(state, catalogue, interests, avoids, witnesses)
    assert "horror" in summary.text
    assert "Lately more romance." in summary.text
    assert "Avoids science." in summary.text
    assert "horror 0 (5 times)" in summary.text
    assert all(claim.evidence for claim in summary.claims)
    assert " ".join(claim.text for claim in summary.claims) == summary.text
    for one in interests:
        assert all(one.label in (evidence.title or "") for evidence in one.evidence)


def test_a_new_user_is_said_to_be_new():
    catalogue = _catalogue()
    state = _user(("i0", "watch", 0.5, 1.0))
    interests, avoids = _read(state, catalogue)
    assert describe(state, catalogue, interests, avoids).text.startswith("Known by 1 behaviour only")
    assert describe(State(), catalogue, (), ()).text == "Has done nothing yet that tells of their taste."
