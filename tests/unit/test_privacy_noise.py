"""Releases: what one user-day can change is bounded, and the noise is as wide as it is said to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.privacy.noise import Bounds, Numbers, bounded, count, noised

MOST, N_KEYS, N_DAYS = 3, 6, 4
Line = tuple[int, int, int]
lines = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, N_DAYS - 1), st.integers(0, N_KEYS - 1)), min_size=1, max_size=60
)


def counts_of(some: list[Line]) -> Numbers:
    users, days, keys = np.array(some, dtype=np.int64).reshape(-1, 3).T
    kept = bounded(users, days, keys, MOST)
    return count(days[kept], keys[kept], (N_DAYS, N_KEYS))


@given(lines)
def test_a_user_day_enters_once_a_key_and_with_a_bounded_number_of_keys(some: list[Line]) -> None:
    expected = np.zeros((N_DAYS, N_KEYS), dtype=np.int64)
    entered: dict[tuple[int, int], list[int]] = {}
    for user, day, key in some:
        mine = entered.setdefault((user, day), [])
        if key not in mine and len(mine) < MOST:
            mine.append(key)
            expected[day, key] += 1
    np.testing.assert_array_equal(counts_of(some), expected)


@given(lines, st.data())
def test_without_one_user_day_the_counts_change_by_the_bound_at_most(some: list[Line], data: st.DataObject) -> None:
    user, day, _ = data.draw(st.sampled_from(some))
    rest = [line for line in some if line[:2] != (user, day)]
    without = counts_of(rest) if rest else np.zeros((N_DAYS, N_KEYS), dtype=np.int64)
    assert np.abs(counts_of(some) - without).sum() <= MOST


@pytest.mark.parametrize(("epsilon", "most"), [(0.5, 5), (1.0, 1), (2.0, 3)])
def test_the_noise_is_as_wide_as_it_is_said_to_be(epsilon: float, most: int) -> None:
    """The mean deviation of the discrete Laplace distribution is 1 / sinh(1 / scale); 20,000 draws, 5 sigmas."""
    true = np.full((100, 200), 7, dtype=np.int64)
    released, scale = noised(true, Bounds(epsilon, most))
    assert scale == pytest.approx(most / epsilon, rel=1e-6)
    deviations = np.abs(released - true)
    assert deviations.mean() == pytest.approx(1 / np.sinh(1 / scale), abs=5 * scale / np.sqrt(true.size))
    assert (released - true).mean() == pytest.approx(0, abs=5 * np.sqrt(2) * scale / np.sqrt(true.size))
    again, _ = noised(true, Bounds(epsilon, most))
    assert (again != released).any()


def test_with_a_small_epsilon_the_truth_does_not_show() -> None:
    """At a scale of 500 one count in 1,000 is right by chance: of 4,000 at most 20."""
    true = np.arange(4000, dtype=np.int64).reshape(20, 200)
    released, _ = noised(true, Bounds(0.01, 5))
    assert (released == true).sum() <= 20
