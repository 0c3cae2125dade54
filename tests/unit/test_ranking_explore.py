"""Draws: the same again, in proportion to the weights, with the chances that they say."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ranking.explore import LEAST, draws, n_explored, weights_of

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def anything(place: int) -> bool:
    return True


@given(SCORES)
def test_weights_are_shares_and_none_is_next_to_nothing(scores: list[float]) -> None:
    weights = weights_of(np.array(scores))
    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() >= LEAST / len(scores) - 1e-12
    assert (np.diff(weights[np.argsort(scores)]) >= -1e-12).all()


@given(SCORES, st.text(), st.integers(0, 50))
def test_everything_is_drawn_once_and_the_last_one_for_sure(scores: list[float], seed: str, n: int) -> None:
    weights = weights_of(np.array(scores))
    drawn = list(islice(draws(weights, seed, anything), n))
    assert drawn == list(islice(draws(weights, seed, anything), n))
    places = [place for place, _ in drawn]
    assert len(places) == len(set(places)) == min(n, len(scores))
    left = 1.0
    for place, chance in drawn:
        assert chance == pytest.approx(weights[place] / left, rel=1e-6)
        left -= weights[place]
    if len(drawn) == len(scores):
        assert drawn[-1][1] == 1.0


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(0, 3))
def test_at_each_place_the_chances_of_all_that_may_come_sum_to_one(scores: list[float], n_before: int) -> None:
    weights = weights_of(np.array(scores))
    before = [place for place, _ in islice(draws(weights, "seed", anything), min(n_before, len(scores) - 1))]
    chances: dict[int, float] = {}
    for number in range(2_000):  # until each has come once
        place, chance = next(draws(weights, str(number), lambda place: place not in before))
        chances[place] = chance
        if len(chances) == len(scores) - len(before):
            break
    assert sum(chances.values()) == pytest.approx(1.0)


def test_what_is_drawn_comes_as_often_as_its_chance_says() -> None:
    weights = np.array([0.5, 0.3, 0.15, 0.05])
    n, firsts, seconds, told = 20_000, np.zeros(4), np.zeros((4, 4)), np.zeros((4, 4))
    for number in range(n):
        (first, chance), (second, then) = islice(draws(weights, f"rec_{number}", anything), 2)
        assert chance == pytest.approx(weights[first])
        firsts[first] += 1
        seconds[first, second] += 1
        told[first, second] = then
    assert np.abs(firsts / n - weights).max() < 0.012
    for first in range(4):
        assert np.abs(seconds[first] / firsts[first] - told[first]).max() < 0.04


def test_what_is_refused_has_no_chance_and_leaves_its_share_to_others() -> None:
    weights = np.array([0.5, 0.25, 0.25])
    for number in range(50):
        drawn = list(draws(weights, str(number), lambda place: place != 0))
        assert sorted(place for place, _ in drawn) == [1, 2]
        assert [chance for _, chance in drawn] == [0.5, 1.0]


@pytest.mark.parametrize(
    ("share", "limit", "expected"), [(0.0, 20, 0), (0.01, 20, 1), (0.1, 20, 2), (0.5, 7, 4), (0.5, 1, 1)]
)
def test_how_many_places_are_drawn(share: float, limit: int, expected: int) -> None:
    assert n_explored(share, limit) == expected
