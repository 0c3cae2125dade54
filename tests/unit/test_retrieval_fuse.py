"""Fusion: the weighted sum of chances, compared with adding them up one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.retrieval.base import NOTHING, Scored
from app.retrieval.fuse import fuse
from app.retrieval.select import best_of, best_of_each, first_allowed, shares, softmax

Chances = dict[int, float]
LISTS = st.lists(
    st.tuples(
        st.sampled_from(["trend", "habits", "unheard of"]),
        st.dictionaries(st.integers(0, 30), st.floats(0, 1, width=32)),
    ),
    max_size=4,
    unique_by=lambda pair: pair[0],
)
WEIGHTS = {"trend": 2.0, "habits": 0.5}


def scored(chances: Chances) -> Scored:
    rows = sorted(chances, key=lambda row: (-chances[row], row))
    return Scored(np.array(rows, dtype=np.int32), np.array([chances[row] for row in rows], dtype=np.float32))


@given(LISTS)
def test_a_score_is_the_weighted_sum_of_the_chances(lists: list[tuple[str, Chances]]) -> None:
    fused = fuse([(name, scored(chances)) for name, chances in lists], WEIGHTS)
    expected: Chances = {}
    for name, chances in lists:
        for row, chance in chances.items():
            expected[row] = expected.get(row, 0.0) + WEIGHTS.get(name, 1.0) * chance
    assert sorted(fused.rows.tolist()) == sorted(expected)
    np.testing.assert_allclose(fused.scores, [expected[row] for row in fused.rows.tolist()], rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(fused.parts.sum(axis=0), fused.scores, rtol=1e-6)


@given(LISTS)
def test_the_order_is_by_score_and_then_by_row(lists: list[tuple[str, Chances]]) -> None:
    fused = fuse([(name, scored(chances)) for name, chances in lists], WEIGHTS)
    keys = list(zip((-fused.scores).tolist(), fused.rows.tolist(), strict=True))
    assert keys == sorted(keys)


def test_no_source_at_all_gives_no_candidate() -> None:
    assert not len(fuse([]).rows)
    assert not len(fuse([("trend", NOTHING)]).rows)


@given(st.dictionaries(st.integers(0, 500), st.sampled_from([0.1, 0.2, 0.3])), st.integers(1, 30))
def test_the_best_few_are_the_head_of_the_whole_order(chances: Chances, n: int) -> None:
    rows, scores = np.array(list(chances), dtype=np.int32), np.array(list(chances.values()), dtype=np.float32)
    assert best_of(rows, scores, n).rows.tolist() == scored(chances).rows[:n].tolist()


def test_of_a_row_that_comes_twice_the_better_score_counts() -> None:
    rows = np.array([3, 1, 3, -1, 2], dtype=np.int32)
    scores = np.array([0.1, 0.2, 0.9, 1.0, np.nan], dtype=np.float32)
    assert best_of_each(rows, scores, 5).rows.tolist() == [3, 1]


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 20))
def test_the_first_allowed_are_found_however_rare(mask: list[bool], n: int) -> None:
    allowed = np.array(mask, dtype=np.bool_)
    order = np.random.default_rng(len(mask)).permutation(len(mask)).astype(np.int32)
    expected = [place for place, row in enumerate(order) if allowed[row]][:n]
    assert first_allowed(order, allowed, n).tolist() == expected


def test_shares_add_up_to_the_confidence_and_a_power_sharpens_them() -> None:
    votes = scored({1: 0.2, 2: 0.1})
    assert shares(votes, confidence=0.5).scores.tolist() == pytest.approx([1 / 3, 1 / 6])
    assert shares(votes, power=2.0).scores.tolist() == pytest.approx([0.8, 0.2])
    assert not len(shares(scored({1: 0.0})).rows)


def test_cosines_become_chances_that_keep_their_order() -> None:
    chances = softmax(scored({1: 0.9, 2: 0.3}), confidence=0.7).scores
    assert chances.sum() == pytest.approx(0.7)
    assert chances[0] > chances[1] > 0
    assert not len(softmax(NOTHING).rows)
