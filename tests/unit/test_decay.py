"""Belief fades by half every half-life, and no other way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.behavior import Interaction
from app.profiles.decay import DAY_S, HalfLives, fade
from app.profiles.fold import fold
from app.profiles.state import State
from app.profiles.sums import sums_at

NOW = 1_700_000_000.0
HALF_LIVES = HalfLives(long_days=30, short_days=2)


def test_half_is_left_after_a_half_life():
    assert fade(0.0, 30) == 1.0
    assert fade(30 * DAY_S, 30) == 0.5
    assert fade(60 * DAY_S, 30) == 0.25


def test_arrays_fade_like_numbers():
    ages = np.array([0.0, 1.0, 5 * DAY_S, 4000 * DAY_S])
    assert fade(ages, 7) == pytest.approx([fade(float(age), 7) for age in ages], abs=1e-15)


def test_what_is_very_old_becomes_nothing_without_an_error():
    assert fade(100_000 * DAY_S, 7) == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 200 * 86_400), st.floats(-1, 1)), min_size=1, max_size=30),
    st.integers(0, 100 * 86_400),
)
def test_sums_read_at_any_moment_equal_the_brute_force_sum(did, later):
    rows = [
        Interaction(n, f"b{n}", "view", NOW - age, weight, f"i{item}") for n, (item, age, weight) in enumerate(did, 1)
    ]
    state = fold(State(), rows, HALF_LIVES)
    at = NOW + later
    sums = sums_at(list(state.items.values()), at, HALF_LIVES)
    for place, item_id in enumerate(state.items):
        mine = [one for one in rows if one.item_id == item_id]
        for column, half_life, sign in ((sums.long, 30, 1), (sums.short, 2, 1), (sums.negative, 30, -1)):
            expected = sum(max(sign * one.weight, 0.0) * 2 ** -((at - one.at) / (half_life * DAY_S)) for one in mine)
            assert column[place] == pytest.approx(expected, abs=1e-9)
