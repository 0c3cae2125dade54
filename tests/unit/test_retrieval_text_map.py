"""The text map as a source: only in its own space, for items that nobody has met, as sharp as it may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.domain.catalogue import ItemSpace
from app.profiles.state import State
from app.retrieval import text_map
from app.retrieval.base import Query
from app.retrieval.text_map import SHARPNESS, SHARPNESSES, TextMap
from tests.spaces import BruteForceSpace
from tests.unit import retrieval_board as board


def fitted(space: ItemSpace, version: str = "brute-force") -> TextMap:
    log = board.log()
    vectors = space.vectors(np.arange(board.N_ITEMS, dtype=np.int32))
    return TextMap(text_map.fit(log, vectors, version), board.catalogue(14), space)


def ask() -> Query:
    items = board.catalogue(14)
    return board.query(board.state(board.EVEN_USER), items=items)


def test_it_says_nothing_in_another_space() -> None:
    assert len(fitted(board.space(14)).score(ask()).rows)
    assert not len(fitted(board.space(14), "another").score(ask()).rows)


def test_an_item_that_nobody_has_met_is_ranked_by_its_words() -> None:
    scored = fitted(board.space(14)).score(ask())
    chance = dict(zip(scored.rows.tolist(), scored.scores.tolist(), strict=True))
    assert chance[12] > chance[13]


def test_its_word_on_any_row_is_that_of_its_list() -> None:
    scored = fitted(board.space(14)).score(replace(ask(), n=5))
    np.testing.assert_allclose(scored.of(scored.rows), scored.scores, rtol=1e-5)
    others = np.setdiff1d(np.arange(14), scored.rows).astype(np.int32)
    assert (scored.of(others) <= scored.scores[-1]).all()


def test_it_cannot_say_anything_of_what_has_no_words() -> None:
    space = board.space(14)
    vectors = space.vectors(np.arange(14, dtype=np.int32))
    vectors[5] = np.nan
    scored = fitted(BruteForceSpace(vectors)).score(ask())
    assert 5 not in scored.rows
    assert np.isnan(scored.of(np.array([5, 99], dtype=np.int32))).all()


def test_what_comes_next_is_not_what_is_alike() -> None:
    """Who takes an even item takes an odd one next, and never the other way round: direction counts."""
    log = board.log()
    n_pairs = 12
    pairs = replace(
        log,
        users=np.repeat(np.arange(n_pairs, dtype=np.int32), 2),
        items=np.array([item for pair in range(n_pairs) for item in (2 * (pair % 6), 2 * (pair % 6) + 1)], np.int32),
        at=np.arange(2.0 * n_pairs),
        weights=np.ones(2 * n_pairs, np.float32),
        types=np.zeros(2 * n_pairs, np.int16),
        n_users=n_pairs,
    )
    space = board.space()
    arrays = text_map.fit(pairs, space.vectors(np.arange(board.N_ITEMS, dtype=np.int32)), space.version)
    scored = TextMap(arrays, board.catalogue(), space).score(board.query(board.state([("i0", 1.0)])))
    assert set(scored.rows[:6].tolist()) == {1, 3, 5, 7, 9, 11}


def test_the_reason_names_the_item_that_leads_there() -> None:
    source = fitted(board.space(14))
    (reason,) = source.reasons(ask(), np.array([6], dtype=np.int32))
    assert reason.code == "goes_with"
    assert reason.text.startswith("Goes with Item ")
    assert reason.evidence[0] in {item for item, _ in board.EVEN_USER}


def test_the_chances_are_as_sharp_as_the_newest_behaviours_were() -> None:
    """The next item is always the nearest one, or any of all: a clear order asks for more than chance."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    n_users, length = 60, 12
    at = np.tile(np.arange(length, dtype=np.float64), n_users) * 60 + np.repeat(np.arange(n_users), length)
    order = np.argsort(at, kind="stable")
    found = []
    for same in (True, False):
        taste = np.repeat(rng.integers(0, 40, n_users), length)
        items = taste if same else rng.integers(0, 40, n_users * length)
        log = replace(
            board.log(),
            users=np.repeat(np.arange(n_users, dtype=np.int32), length)[order],
            items=items.astype(np.int32)[order],
            at=at[order],
            weights=np.ones(len(at), np.float32),
            types=np.zeros(len(at), np.int16),
            n_users=n_users,
            item_ids=[str(number) for number in range(40)],
        )
        found.append(float(text_map.fit(log, vectors, "v")["sharpness"][0]))
    assert found[0] > found[1]
    assert set(found) <= set(SHARPNESSES)


@pytest.mark.parametrize("n", [0, 1])
def test_too_little_gives_a_map_that_says_nothing(n: int) -> None:
    space = board.space()
    log = board.log().take(slice(0, n))
    arrays = text_map.fit(log, space.vectors(np.arange(board.N_ITEMS, dtype=np.int32)), space.version)
    assert arrays["sharpness"] == SHARPNESS
    source = TextMap(arrays, board.catalogue(), space)
    assert not len(source.score(board.query(board.state(board.EVEN_USER))).rows)
    assert not len(source.score(board.query(State())).rows)
