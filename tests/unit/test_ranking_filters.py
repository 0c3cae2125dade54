"""Filters: the masks against reading every item, and what the accounts say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue
from app.domain.item import Item, path_of
from app.domain.recommendation import Seen, Wish
from app.profiles.decay import HalfLives
from app.profiles.fold import fold
from app.profiles.state import State
from app.ranking.filters import HAD_NOTHING, Had, filter_items, had_by

STEPS = st.sampled_from(["Grocery", "grocery", "Frozen pizza", "pizza", "Fruit", "A", "B"])
PATHS = st.lists(STEPS, min_size=1, max_size=3).map(" > ".join)
VALUES = st.one_of(st.sampled_from(["Private", "private", "5", "true", "x" * 60]), st.integers(4, 6), st.booleans())
ITEMS = st.lists(
    st.builds(
        dict,
        categories=st.lists(PATHS, max_size=9).map(tuple),
        attributes=st.dictionaries(st.sampled_from(["brand", "size"]), VALUES, max_size=2),
        available=st.booleans(),
    ),
    max_size=12,
)


def catalogue(rows: list[dict[str, Any]]) -> Catalogue:
    return Catalogue(Item(f"i{number}", **row) for number, row in enumerate(rows))


def allowed(items: Catalogue, wish: Wish) -> list[bool]:
    mask: list[bool] = filter_items(items, wish, HAD_NOTHING).allowed.tolist()
    return mask


def has_steps(item: Item, category: str) -> bool:
    wanted = [step.lower() for step in path_of(category)]
    for one in item.categories:
        steps = [step.lower() for step in path_of(one)]
        if any(steps[start : start + len(wanted)] == wanted for start in range(len(steps))):
            return True
    return False


@given(ITEMS, PATHS)
def test_a_category_is_any_step_of_a_path_whatever_the_case(rows: list[dict[str, Any]], category: str) -> None:
    items = catalogue(rows)
    expected = [item.available and has_steps(item, category) for item in items.items]
    assert allowed(items, Wish(category=category)) == expected


@given(ITEMS, st.sampled_from(["brand", "size"]), VALUES.map(str))
def test_an_attribute_matches_as_a_word(rows: list[dict[str, Any]], name: str, value: str) -> None:
    items = catalogue(rows)
    expected = [
        item.available and name in item.attributes and str(item.attributes[name]).lower() == value.lower()
        for item in items.items
    ]
    assert allowed(items, Wish(attributes={name: value})) == expected


def test_part_of_a_step_is_no_step() -> None:
    items = catalogue([{"categories": ("Grocery > Frozen pizza",)}])
    assert allowed(items, Wish(category="pizza")) == [False]
    assert allowed(items, Wish(category="grocery/frozen pizza")) == [True]


def test_candidates_and_exclusions_hold_and_unknown_ids_do_nothing() -> None:
    items = catalogue([{} for _ in range(4)])
    wish = Wish(candidates=("i1", "i2", "i3", "never heard of"), exclude=("i2", "neither"))
    assert allowed(items, wish) == [False, True, False, True]
    assert allowed(items, Wish(candidates=())) == [False] * 4


def test_an_item_that_left_is_not_allowed() -> None:
    items = catalogue([{}, {}])
    items.remove("i0")
    assert allowed(items, Wish()) == [False, True]


def shopper() -> State:
    """Bought i0, looked at i1, disliked i2, bought and returned i3 twice, was shown i4."""
    acts = [
        ("i0", "purchase", 1.0),
        ("i1", "view", 0.2),
        ("i2", "dislike", -0.8),
        ("i3", "purchase", 1.0),
        ("i3", "return", -0.6),
        ("i3", "return", -0.6),
        ("i4", "impression", 0.0),
    ]
    rows = [
        Interaction(seq, str(seq), type_, 1e9 + seq, weight, item) for seq, (item, type_, weight) in enumerate(acts, 1)
    ]
    return fold(State(), rows, HalfLives())


def had(items: Catalogue) -> Had:
    return had_by(shopper(), items.rows(shopper().items))


@pytest.mark.parametrize(
    ("seen", "left"),
    [("exclude", ["i4", "i5"]), ("purchased", ["i1", "i4", "i5"]), ("include", ["i0", "i1", "i4", "i5"])],
)
def test_what_was_seen_goes_by_the_policy_and_refusals_never_come(seen: Seen, left: list[str]) -> None:
    items = catalogue([{} for _ in range(6)])
    filtered = filter_items(items, Wish(seen=seen), had(items))
    assert [items.items[row].item_id for row in np.flatnonzero(filtered.allowed)] == left
    assert filtered.dropped["refused"] == 2


@given(ITEMS, st.one_of(st.none(), PATHS), st.sets(st.integers(0, 11)), st.sampled_from(["exclude", "include"]))
def test_the_accounts_add_up(rows: list[dict[str, Any]], category: str | None, out: set[int], seen: Seen) -> None:
    items = catalogue(rows)
    wish = Wish(category=category, exclude=tuple(f"i{row}" for row in out), seen=seen)
    filtered = filter_items(items, wish, had(items))
    assert int(filtered.allowed.sum()) + sum(filtered.dropped.values()) == items.n_rows
