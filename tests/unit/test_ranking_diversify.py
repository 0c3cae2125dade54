"""Diversity: the fast way against the slow one, and twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from app.ranking.diversify import TWIN, diversify, relevance_of


def by_hand(scores: np.ndarray, vectors: np.ndarray, k: int, diversity: float) -> list[int]:
    """Maximal marginal relevance as its formula says, pair by pair."""
    relevance = relevance_of(scores)
    chosen: list[int] = []
    while len(chosen) < min(k, len(scores)):
        values = {}
        for place in range(len(scores)):
            if place not in chosen:
                cosines = [float(np.nan_to_num(vectors[place] @ vectors[other], nan=0.0)) for other in chosen]
                redundancy = max([0.0, *cosines, sum(cosine > TWIN for cosine in cosines)])
                values[place] = (1 - diversity) * float(relevance[place]) - diversity * redundancy
        best = max(values.values())
        chosen.append(next(place for place, value in values.items() if value > best - 1e-6))
    return chosen


def candidates(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[random.random(n) < 0.2] = vectors[0]
    vectors[random.random(n) < 0.1] = np.nan
    return np.sort(random.random(n).astype(np.float32) + 0.01)[::-1].copy(), vectors


@given(st.integers(1, 40), st.integers(0, 1000), st.integers(1, 25), st.sampled_from([0.1, 0.3, 0.7, 1.0]))
def test_it_chooses_as_the_formula_says(n: int, seed: int, k: int, diversity: float) -> None:
    scores, vectors = candidates(n, seed)
    assert diversify(scores, vectors, k, diversity).tolist() == by_hand(scores, vectors, k, diversity)


@given(stnp.arrays(np.float32, st.integers(0, 30), elements=st.floats(0, 1, width=32)), st.integers(1, 40))
def test_without_diversity_the_order_stays(scores: np.ndarray, k: int) -> None:
    ordered = np.sort(scores)[::-1].copy()
    vectors = np.ones((len(scores), 3), dtype=np.float32)
    assert diversify(ordered, vectors, k, 0.0).tolist() == list(range(min(k, len(scores))))


@given(st.integers(1, 40), st.integers(0, 1000), st.sampled_from([0.0, 0.3, 1.0]))
def test_nobody_is_chosen_twice_and_nobody_is_lost(n: int, seed: int, diversity: float) -> None:
    scores, vectors = candidates(n, seed)
    assert sorted(diversify(scores, vectors, n, diversity).tolist()) == list(range(n))


def test_twins_do_not_fill_a_slate() -> None:
    """Forty package sizes of one product score best; forty other products follow."""
    scores = np.geomspace(1.0, 0.01, 80, dtype=np.float32)
    vectors = np.eye(81, dtype=np.float32)[np.where(np.arange(80) < 40, 80, np.arange(80))]
    slate = diversify(scores, vectors, 20, 0.3)
    assert slate[0] == 0
    assert (slate < 40).sum() <= 4


def test_the_best_comes_first_at_any_diversity() -> None:
    scores, vectors = candidates(30, 5)
    assert all(diversify(scores, vectors, 5, diversity)[0] == 0 for diversity in (0.0, 0.3, 0.9))


def test_relevance_runs_from_one_to_nothing() -> None:
    assert relevance_of(np.array([0.1, 0.01, 0.001], np.float32)).tolist() == pytest.approx([1.0, 0.5, 0.0])
    assert relevance_of(np.array([0.5, 0.5], np.float32)).tolist() == [1.0, 1.0]
