from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_board import WIDTH, items, raw_vectors, space_of

from app.domain.catalogue import Mask, Rows, Vectors
from app.index import snapshot
from app.index.faiss_space import FaissSpace
from app.index.structures import Limits


def brute_force(space: FaissSpace, query: Vectors, rows: Rows, allowed: Mask | None) -> dict[int, float]:
    """The reference: cosine of every row that has a vector and may be found."""
    vectors = space.vectors(rows)
    return {
        int(row): float(query @ vector)
        for row, vector in zip(rows, vectors, strict=True)
        if np.isfinite(vector).all() and (allowed is None or (row < len(allowed) and allowed[row]))
    }


def assert_best(space: FaissSpace, query: Vectors, k: int, n_rows: int, allowed: Mask | None) -> None:
    truth = brute_force(space, query, np.arange(n_rows, dtype=np.int32), allowed)
    rows, cosines = space.search(query[None], k, allowed)
    found = rows[0][rows[0] >= 0]
    assert rows.shape == cosines.shape == (1, k)
    assert len(found) == len(set(found)) == min(k, len(truth))
    assert (rows[0][len(found) :] == -1).all()
    best = sorted(truth.values(), reverse=True)[: len(found)]
    np.testing.assert_allclose(cosines[0][: len(found)], best, atol=2e-3)
    np.testing.assert_allclose([truth[row] for row in found], best, atol=2e-3)


@dataclass
class Change:
    row: int
    seed: int | None  # None removes


changes = st.builds(Change, st.integers(0, 59), st.none() | st.integers(0, 5))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 40),
    st.lists(changes, max_size=150),
    st.integers(1, 70),
    st.none() | st.lists(st.booleans(), min_size=0, max_size=70),
)
def test_search_finds_what_brute_force_finds(
    n_published: int, done: list[Change], k: int, allowed: list[bool] | None
) -> None:
    space = space_of(raw_vectors(n_published)) if n_published else FaissSpace()
    expected: dict[int, Vectors] = dict(enumerate(raw_vectors(n_published)))
    for change in done:
        if change.seed is None:
            space.remove(change.row)
            expected.pop(change.row, None)
        else:
            expected[change.row] = raw_vectors(1, change.seed)[0]
            space.put(change.row, expected[change.row])
    rows = np.arange(60, dtype=np.int32)
    has_vector = np.isfinite(space.vectors(rows)).all(axis=1) if space.n_items else np.zeros(60, dtype=bool)
    assert set(rows[has_vector]) == set(expected)
    assert space.n_items == len(expected)
    for row, raw in expected.items():
        np.testing.assert_allclose(space.vectors(rows[row : row + 1]), space.project(raw[None]), atol=2e-3)
    if expected:
        mask = None if allowed is None else np.array(allowed, dtype=np.bool_)
        assert_best(space, space.project(raw_vectors(1, 99))[0], k, 60, mask)


def test_an_empty_space_answers() -> None:
    space = FaissSpace()
    rows = np.array([0, 5, -1], dtype=np.int32)
    assert space.search(raw_vectors(2), 3)[0].tolist() == [[-1] * 3] * 2
    assert np.isnan(space.vectors(rows)).all()
    assert space.clusters(rows).tolist() == [-1, -1, -1]
    assert space.cluster_label(0) == ""
    assert np.isfinite(space.project(raw_vectors(2))).all()


def test_numbers_that_are_not_finite_find_nothing_and_take_no_place() -> None:
    space = space_of(raw_vectors(20))
    bad = np.full(WIDTH, np.nan, dtype=np.float32)
    space.put(3, bad)
    space.put(20, bad)
    assert space.n_items == 19
    rows, cosines = space.search(np.stack([bad, raw_vectors(1)[0], np.full(WIDTH, np.inf, np.float32)]), 30)
    assert (rows[[0, 2]] == -1).all()
    assert np.isfinite(cosines).all()
    assert set(rows[1]) == {*range(20), -1} - {3}
    assert np.isnan(space.project(bad[None])).all()
    assert np.isnan(space.project(np.zeros((1, WIDTH), np.float32))).sum() in {0, WIDTH}


def test_a_vector_of_another_width_takes_no_place() -> None:
    space = space_of(raw_vectors(20))
    space.put(3, np.ones(WIDTH + 1, dtype=np.float32))
    assert space.n_items == 19
    assert (space.search(np.ones((1, WIDTH + 1), np.float32), 5)[0] == -1).all()


def test_a_row_claims_only_its_own_item_with_the_very_same_embedding() -> None:
    raw = raw_vectors(3).astype(np.float16)
    made = snapshot.build("encoder", items(3), raw)
    space = FaissSpace(made, "test")
    prints = made.fingerprints.copy()
    prints[1] += 1
    served = space.claim(["i0", "i1", "unknown"], np.array([7, 8, 9], np.int32), prints)
    assert served.tolist() == [True, False, False]
    assert space.search(space.project(raw[:1].astype(np.float32)), 5)[0].tolist() == [[7, -1, -1, -1, -1]]


def test_many_changes_of_a_few_rows_do_not_pile_up() -> None:
    space = space_of(raw_vectors(10))
    for seed in range(1000):
        space.put(seed % 5, raw_vectors(1, seed)[0])
    assert len(space._tail.rows) < 100
    assert space.n_items == 10


@dataclass
class Big:
    """Wide enough for RaBitQ, which keeps one bit a dimension."""

    n: int = 6_000
    width: int = 192
    raw: Vectors = field(default_factory=lambda: raw_vectors(6_000, width=192))


@pytest.fixture(scope="module")
def big() -> Big:
    return Big()


@pytest.mark.parametrize(("limits", "kind"), [(Limits(1_000, 10_000), "ivf"), (Limits(100, 1_000), "rabitq")])
def test_structures_for_many_items_find_nearly_all(big: Big, limits: Limits, kind: str) -> None:
    """The limits are lowered, so that the structure for 100,000 or a million items serves a few thousand."""
    space, exact = space_of(big.raw, limits), space_of(big.raw)
    assert (space._base.kind, exact._base.kind) == (kind, "exact")
    queries = exact.project(big.raw[::60] + 0.01 * raw_vectors(100, seed=5, width=big.width))
    for share in (1.0, 0.9, 0.3):
        allowed = np.random.default_rng(1).random(big.n) < share
        truth, found = exact.search(queries, 50, allowed)[0], space.search(queries, 50, allowed)[0]
        assert allowed[found[found >= 0]].all()
        recall = np.mean([len(set(a) & set(b)) / 50 for a, b in zip(truth, found, strict=True)])
        assert recall >= 0.97


def test_a_narrow_mask_is_searched_exactly_whatever_the_structure(big: Big) -> None:
    space = space_of(big.raw, Limits(1_000, 10_000))
    allowed = np.zeros(big.n, dtype=np.bool_)
    allowed[::1000] = True
    assert_best(space, space.project(raw_vectors(1, seed=5, width=big.width))[0], 10, big.n, allowed)


def test_changes_on_top_of_a_big_structure_count_at_once(big: Big) -> None:
    space = space_of(big.raw, Limits(1_000, 10_000))
    query = space.project(raw_vectors(1, seed=5, width=big.width))
    first = space.search(query, 1)[0][0, 0]
    space.remove(int(first))
    assert space.search(query, 10)[0][0, 0] != first
    space.put(big.n, raw_vectors(1, seed=5, width=big.width)[0])
    assert space.search(query, 1)[0][0, 0] == big.n
