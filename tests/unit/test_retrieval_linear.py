"""Slit and ease beside their formulas, written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.domain.matrices import gram, inverse, solve
from app.profiles.decay import DAY_S
from app.retrieval import ease, slit, text_map
from app.retrieval.base import Log
from app.retrieval.item_to_item import most_active
from app.retrieval.query import RECENCY_TAU, _recency, line_recency
from app.retrieval.sequences import shared_recency
from tests.unit import retrieval_board as board


def dense(arrays: dict[str, NDArray[np.generic]], n: int) -> NDArray[np.float64]:
    matrix = np.zeros((n, n))
    for row, (places, values) in enumerate(zip(arrays["neighbours"], arrays["similarities"], strict=True)):
        known = places >= 0
        matrix[row, places[known]] = values[known]
    return matrix


def random_log(seed: int, n_users: int = 15, n_items: int = 9, n: int = 200, n_moments: int = 60) -> Log:
    rng = np.random.default_rng(seed)
    at = np.sort(rng.integers(0, n_moments, n)).astype(np.float64)
    return Log(
        users=rng.integers(0, n_users, n).astype(np.int32),
        items=rng.integers(0, n_items, n).astype(np.int32),
        at=at,
        weights=np.ones(n, dtype=np.float32),
        types=np.zeros(n, dtype=np.int16),
        n_users=n_users,
        item_ids=[f"i{item}" for item in range(n_items)],
        type_names=["purchase"],
    )


def by_quarters(log: Log) -> Log:
    """Four moments a day."""
    return replace(log, at=log.at * DAY_S / 4)


def counted_once_a_day(log: Log) -> Log:
    """Written out: of each user, item and day the first line."""
    met: set[tuple[int, int, int]] = set()
    kept = []
    for place, (user, item, at) in enumerate(zip(log.users.tolist(), log.items.tolist(), log.at.tolist(), strict=True)):
        if (user, item, int(at // DAY_S)) not in met:
            kept.append(place)
        met.add((user, item, int(at // DAY_S)))
    return log.take(np.array(kept))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ease_is_the_formula(seed: int) -> None:
    log = random_log(seed)
    x = np.zeros((15, 9))
    x[log.users, log.items] = 1
    p = np.linalg.inv(x.T @ x + 2.0 * np.eye(9))
    expected = -p / np.diag(p)
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(dense(ease.fit(log, lam=2.0), 9), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("by_line", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_slit_is_the_formula_with_the_recency_that_serves(seed: int, by_line: bool) -> None:
    """Each lesson's past has the weights that a query of that moment would have, but that repeats add up."""
    log = by_quarters(random_log(seed))
    fitted = dense(slit.fit(log, lam=3.0, by_line=by_line), 9)
    log = counted_once_a_day(log)
    pasts, nexts = [], []
    for user in range(15):
        mine = np.flatnonzero(log.users == user)
        for place in range(1, len(mine)):
            past, row = mine[:place][::-1], np.zeros(9)
            weights = line_recency(len(past)) if by_line else _recency(log.at[past].tolist())
            np.add.at(row, log.items[past], np.where(weights > 0.002, weights, 0.0))
            pasts.append(row)
            nexts.append(np.eye(9)[log.items[mine[place]]])
    s, t = np.array(pasts), np.array(nexts)
    expected = np.linalg.solve(s.T @ s + 3.0 * np.eye(9), s.T @ t)
    np.testing.assert_allclose(fitted, expected, rtol=1e-3, atol=1e-4)


def test_a_basket_shares_what_falls_to_it() -> None:
    one_moment = shared_recency(np.array([4]), np.array([1]), np.array([4]))
    assert one_moment[0] == pytest.approx(np.exp(-np.arange(3) / RECENCY_TAU).mean())


def test_only_the_most_active_items_are_covered() -> None:
    log = by_quarters(random_log(3))
    counts = np.bincount(counted_once_a_day(log).items, minlength=9)
    places, place_of = most_active(log, 4)
    assert sorted(counts[places]) == sorted(counts)[-4:]
    assert (place_of >= 0).sum() == 4
    fitted = slit.fit(log, limit=4)
    assert (fitted["neighbours"][place_of < 0] == -1).all()


@pytest.mark.parametrize("fit", [slit.fit, ease.fit])
def test_a_log_with_next_to_nothing_in_it_breaks_nothing(fit: object) -> None:
    for log in (random_log(0, n=1), random_log(0, n_users=1, n_items=1, n=3), random_log(0, n_moments=1)):
        arrays = fit(log.compact())  # type: ignore[operator]
        assert np.isfinite(arrays["similarities"]).all()


def test_systems_are_solved() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((40, 12)).astype(np.float32)
    symmetric = x.T @ x + np.eye(12, dtype=np.float32)
    right = rng.random((12, 5)).astype(np.float32)
    np.testing.assert_allclose(inverse(symmetric.copy()), np.linalg.inv(symmetric), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        solve(np.asfortranarray(symmetric), np.asfortranarray(right)),
        np.linalg.solve(symmetric, right),
        rtol=1e-3,
        atol=1e-4,
    )


def test_gram_is_the_product() -> None:
    from scipy import sparse

    x = sparse.random(30, 700, density=0.1, format="csr", dtype=np.float32, random_state=0)
    np.testing.assert_allclose(gram(x), (x.T @ x).toarray(), rtol=1e-5)


def test_the_board_is_seen_in_its_colours() -> None:
    matrix = dense(ease.fit(board.log(), lam=1.0), 12)
    assert (matrix[0, 2::2] > matrix[0, 1::2].max()).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_text_map_is_the_formula(seed: int) -> None:
    log, rng = by_quarters(random_log(seed)), np.random.default_rng(seed)
    vectors = rng.normal(size=(9, 4)).astype(np.float32)
    vectors[7] = np.nan  # no text: it teaches nothing, but takes its place in the past
    f = np.concatenate([np.nan_to_num(vectors), np.ones((9, 1))], axis=1)
    f[7] = 0.0
    fitted = text_map.fit(log, vectors, "v")["map"]
    log = counted_once_a_day(log)
    s, t = [], []
    for user in range(15):
        mine = np.flatnonzero(log.users == user)
        for place in range(1, len(mine)):
            if log.items[mine[place]] != 7:
                past, row = mine[:place][::-1], np.zeros(9)
                weights = _recency(log.at[past].tolist())
                np.add.at(row, log.items[past], np.where(weights > 0.002, weights, 0.0))
                s.append(row @ f)
                t.append(f[log.items[mine[place]]])
    a, c, g = np.array(s).T @ np.array(s), np.array(s).T @ np.array(t), f.T @ f
    expected = np.linalg.inv(a + text_map.LAM * np.eye(5)) @ c @ np.linalg.inv(g + text_map.MU * np.eye(5))
    np.testing.assert_allclose(fitted, expected, rtol=1e-3, atol=1e-5)


def test_the_sums_of_two_parts_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    pasts, texts = rng.random((30, 5), np.float32), rng.random((7, 5), np.float32)
    nexts = rng.integers(0, 7, 30).astype(np.int32)
    whole, parts = text_map.Sums.empty(5), text_map.Sums.empty(5)
    whole.add(pasts, texts, nexts)
    for part in (slice(0, 11), slice(11, 30)):
        parts.add(pasts[part], texts, nexts[part])
    np.testing.assert_allclose(parts.before, whole.before, rtol=1e-6)
    np.testing.assert_allclose(parts.between, whole.between, rtol=1e-6)
    np.testing.assert_allclose(whole.between, pasts.T @ texts[nexts], rtol=1e-5)
