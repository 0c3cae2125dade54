"""What a user turns to: known right answers on a board of two groups of users and two of items."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.profiles.decay import DAY_S, HalfLives
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


BOARD = {
    "ann": ((9, 3, 0), {"horror": 9 / 12, "romance": 3 / 12}),
    "bob": ((0, 8, 4), {"romance": 8 / 12, "science": 4 / 12}),
    "cyd": ((1, 0, 5), {"science": 5 / 6}),  # a sixth of horror, where the catalogue has six tenths, is no interest
}


@pytest.mark.parametrize("user", BOARD)
def test_on_an_asymmetric_board_everybody_gets_their_own_shares(user):
    """Swapped users, swapped items or users taken for items must fail."""
    counts, expected = BOARD[user]
    starts = (0, 60, 90)
    did = [
        (f"i{start + n}", "watch", 0.5, 30.0) for start, count in zip(starts, counts, strict=True) for n in range(count)
    ]
    shares = {one.label: one.weight for one in _read(_user(*did))[0]}
    assert shares == pytest.approx(expected, abs=1e-9)


def test_evidence_counts_behaviours_and_the_last_of_them():
    did = [("i90", "watch", 0.5, 9.0), ("i90", "watch", 0.5, 4.0), ("i91", "watch", 0.5, 6.0)]
    (interest,) = _read(_user(*did))[0]
    assert interest.n_evidence == 3
    assert interest.last_at.timestamp() == NOW - 4 * DAY_S


def test_a_steady_interest_is_of_both_horizons():
    did = [(f"i{90 + n % 10}", "watch", 0.5, 7.0 * n) for n in range(20)]
    (interest,) = _read(_user(*did))[0]
    assert (interest.trend, interest.horizon) == ("steady", "both")


def test_an_interest_that_ends_while_others_go_on_is_falling():
    did = [(f"i{90 + n}", "purchase", 1.0, 40.0 + n) for n in range(10)]
    did += [(f"i{60 + n}", "purchase", 1.0, 40.0 + n) for n in range(10)]
    did += [(f"i{70 + n}", "purchase", 1.0, 0.5 * n) for n in range(10)]
    trends = {one.label: one.trend for one in _read(_user(*did))[0]}
    assert trends["science"] == "falling"


def test_a_return_turns_a_purchase_into_an_avoid():
    did = [("i90", "purchase", 1.0, 9.0), ("i90", "return", -0.6, 2.0)]
    interests, avoids = _read(_user(*did))
    assert ([one.label for one in interests], [one.label for one in avoids]) == ([], ["science"])


def test_one_refusal_among_many_purchases_is_no_avoid():
    did = [(f"i{90 + n}", "purchase", 1.0, 5.0 + n) for n in range(8)] + [("i98", "dislike", -0.8, 1.0)]
    interests, avoids = _read(_user(*did))
    assert [one.label for one in interests] == ["science"]
    assert avoids == ()


def test_an_edited_item_counts_at_once():
    catalogue = _catalogue()
    state = _user(*[(f"i{n}", "watch", 0.5, n) for n in range(4)])
    for n in range(4):
        catalogue.put(Item(f"i{n}", categories=("Films > western",)))
    assert [one.label for one in _read(state, catalogue)[0]] == ["western"]


def test_a_wide_category_steps_back_behind_its_telling_parts():
    paths = ["Food > Frozen > Pizza"] * 4 + ["Food > Drinks > Cola"] * 4 + ["Food > Dry"] * 60 + ["Tools"] * 32
    catalogue = Catalogue(Item(f"i{n}", categories=(path,)) for n, path in enumerate(paths))
    interests, _ = _read(_user(*[(f"i{n}", "purchase", 1.0, n) for n in range(6)]), catalogue)
    assert [one.label for one in interests] == ["frozen", "drinks"]


def test_a_wide_category_speaks_where_no_part_of_it_has_enough():
    paths = [f"Food > Kind {n}" for n in range(30)] + ["Tools"] * 70
    catalogue = Catalogue(Item(f"i{n}", categories=(path,)) for n, path in enumerate(paths))
    interests, _ = _read(_user(*[(f"i{n}", "purchase", 1.0, n) for n in range(15)]), catalogue)
    assert [one.label for one in interests] == ["food"]


def test_a_brand_is_told_only_when_it_is_a_habit_of_its_own():
    catalogue = Catalogue(
        Item(f"i{n}", categories=(f"Kind {n % 10}",), attributes={"brand": "ours" if n < 20 else "theirs"})
        for n in range(100)
    )
    loyal = _read(_user(*[(f"i{n}", "purchase", 1.0, n) for n in range(10)]), catalogue)[0]
    mixed = _read(_user(*[(f"i{n}", "purchase", 1.0, n) for n in range(0, 100, 10)]), catalogue)[0]
    assert "brand:ours" in [one.facet for one in loyal]
    assert not [one.facet for one in mixed if one.facet.startswith("brand:")]


def test_a_catalogue_of_one_category_has_interests_too():
    catalogue = Catalogue(Item(f"i{n}", categories=("Books",)) for n in range(10))
    assert [one.label for one in _read(_user(("i1", "view", 0.2, 1.0)), catalogue)[0]] == ["books"]


def test_being_away_changes_nothing():
    did = [(f"i{90 + n}", "watch", 0.5, 30.0 + n) for n in range(5)] + [("i61", "watch", 0.5, 40.0)]
    state = _user(*did)
    later = interests_of(state, _catalogue(), no_space(), HALF_LIVES, NOW + 3650 * DAY_S)
    assert later == _read(state)


def test_everything_at_one_moment_is_read_without_a_trend():
    (interest,) = _read(_user(*[(f"i{90 + n}", "watch", 0.5, 0.0) for n in range(10)]))[0]
    assert (interest.trend, interest.horizon) == ("steady", "short")
