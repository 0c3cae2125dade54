"""At most so many of a kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.ranking.quotas import Quota, most_of, quota_of

KINDS = st.lists(st.sampled_from(["", "a", "b", "ab"]), min_size=1, max_size=30)


@given(KINDS, st.integers(0, 5), st.integers(0, 5), st.integers(0, 30))
def test_no_quota_is_exceeded_and_no_place_is_wasted(kinds: list[str], most_a: int, most_b: int, n: int) -> None:
    members = [np.array([letter in kind for kind in kinds]) for letter in "ab"]
    quota = Quota(members, [most_a, most_b])
    taken = quota.first(range(len(kinds)), n)
    assert taken == sorted(set(taken))
    assert len(taken) <= n
    assert sum("a" in kinds[place] for place in taken) <= most_a
    assert sum("b" in kinds[place] for place in taken) <= most_b
    if len(taken) < n:
        assert not any(quota.admits(place) for place in range(len(kinds)) if place not in taken)


def test_what_is_in_the_slate_already_counts_and_another_slate_starts_anew() -> None:
    quota = Quota([np.array([True, True, True])], [2])
    assert quota.after([0]).first([1, 2], 3) == [0]
    assert quota.after([0, 1, 2]).first([1], 3) == []
    assert quota.first([0, 1, 2], 3) == [0, 1]


@pytest.mark.parametrize(("value", "limit", "expected"), [(0, 9, 0), (3, 9, 3), (1, 9, 1), (0.5, 9, 4), (0.3, 10, 3)])
def test_a_count_or_a_share_of_the_places(value: float, limit: int, expected: int) -> None:
    assert most_of(value, limit) == expected


def test_a_quota_is_by_any_step_of_a_category() -> None:
    paths = ("Food > Dairy > Cheese", "Food > Bread", "Tools")
    items = Catalogue(Item(f"i{row}", categories=(path,)) for row, path in enumerate(paths))
    quota = quota_of(items, {"food": 1, "nothing of the kind": 0}, 10, 3)
    assert quota.first([0, 1, 2], 3) == [0, 2]
