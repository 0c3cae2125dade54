"""Kinds of users: two that were planted are found, and a user is read as training counted them."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.profiles.leaves import leaves_of
from app.profiles.segments import FEATURES, counted_of, features_of, open_segments
from app.profiles.state import State
from app.training.segment_names import name_segments
from app.training.segments import count_users, fit_segments
from tests.unit import people_board as board


def test_two_planted_kinds_are_found_and_named():
    learned = fit_segments(board.log_of(board.lines()), board.catalogue())
    assert learned is not None
    of_user = learned.of_user
    assert len(set(of_user[: board.N_REGULARS])) == 1
    assert len(set(of_user[board.N_REGULARS :])) == 1
    assert of_user[0] != of_user[-1]
    names = learned.words["names"]
    assert "shoppers" in names[of_user[0]]
    assert "visitors" in names[of_user[-1]]
    assert "loyal" in names[of_user[0]] or "busy" in names[of_user[0]]


def test_the_same_log_gives_the_same_kinds():
    first, second = (fit_segments(board.log_of(board.lines()), board.catalogue()) for _ in range(2))
    assert first is not None and second is not None  # noqa: PT018
    assert first.words == second.words
    np.testing.assert_array_equal(first.arrays["centroids"], second.arrays["centroids"])


def _mixed_lines(seed: int) -> list[board.Line]:
    """All sorts of types, items that nobody knows and some without a category."""
    rng = np.random.default_rng(seed)
    types = ["purchase", "click", "view", "impression", "dislike", "rating", "add_to_cart"]
    items = [f"{kind}-{n}" for kind in range(4) for n in range(6)] + ["bare", "gone", "both"]
    return [
        (int(rng.integers(12)), str(rng.choice(items)), str(rng.choice(types)), float(300 * rng.random()))
        for _ in range(500)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_one_user_is_read_as_training_counts_all(seed):
    items = board.catalogue()
    items.put(Item("bare", "no category"))
    items.put(Item("both", categories=("Films > Horror", "Grocery")))
    lines = _mixed_lines(seed)
    all_users = features_of(count_users(board.log_of(lines), items))
    assert all_users.shape == (12, len(FEATURES))
    for user in range(12):
        state = board.state_of(lines, user)
        counted = counted_of(state, board.leaves_of(state, items))
        assert counted is not None
        np.testing.assert_allclose(features_of(counted)[0], all_users[user], atol=1e-6, equal_nan=True)


def test_a_user_is_read_into_the_segment_that_training_gave():
    lines, items = board.lines(), board.catalogue()
    learned = fit_segments(board.log_of(lines), items)
    assert learned is not None
    segments = open_segments(learned.arrays, learned.words)
    for user in (0, 17, 40, 99):
        state = board.state_of(lines, user)
        assert segments.segment_of(state, board.leaves_of(state, items)) == learned.of_user[user]
    assert segments.name_of(int(learned.of_user[0])) == learned.words["names"][learned.of_user[0]]


def test_who_did_nothing_has_no_segment():
    learned = fit_segments(board.log_of(board.lines()), board.catalogue())
    assert learned is not None
    segments = open_segments(learned.arrays, learned.words)
    assert segments.segment_of(State(), board.leaves_of(State(), board.catalogue())) == -1
    only_shown = board.state_of([(0, "0-0", "impression", 1.0)], 0)
    assert segments.segment_of(only_shown, board.leaves_of(only_shown, board.catalogue())) == -1
    assert segments.name_of(-1) is None
    assert segments.name_of(99) is None


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [(0, "0-0", "purchase", 1.0)],
        [(user, "0-0", "purchase", 1.0) for user in range(49)],
        [(user, "0-0", "purchase", 1.0) for user in range(200)],  # all alike
        [(user, "0-0", "impression", 1.0) for user in range(200)],
    ],
    ids=["nobody", "one", "few", "alike", "only shown"],
)
def test_no_kinds_where_there_are_none(lines):
    assert fit_segments(board.log_of(lines), board.catalogue()) is None


@pytest.mark.parametrize("items", [Catalogue(), Catalogue([Item("0-0")]), Catalogue([Item("0-0", categories=("A",))])])
def test_kinds_need_no_categories(items):
    learned = fit_segments(board.log_of(board.lines()), items)
    assert learned is not None
    assert np.isfinite(learned.arrays["centroids"]).all()
    assert learned.of_user[0] != learned.of_user[-1]


def test_all_at_one_time_is_no_obstacle():
    lines = [(user, item, type_, 3.0) for user, item, type_, _ in board.lines()]
    learned = fit_segments(board.log_of(lines), board.catalogue())
    assert learned is not None
    assert learned.of_user[0] != learned.of_user[-1]


def test_names_are_different_and_always_the_same():
    rng = np.random.default_rng(0)
    centroids = np.concatenate([rng.normal(0, 1, (4, len(FEATURES))), np.zeros((3, len(FEATURES)))])
    centroids = np.concatenate([centroids, centroids[:1]])
    names = name_segments(centroids, [True] * 8)
    assert len(set(names)) == 8
    assert names == name_segments(centroids, [True] * 8)
    assert names[4] == "typical shoppers"


def test_only_the_narrowest_categories_are_left():
    items = board.catalogue()
    items.put(Item("both", categories=("Films > Horror", "Grocery")))
    rows = items.rows(["0-0", "nobody", "both"])
    leaves = leaves_of(items, rows)
    assert leaves.places.tolist() == [0, 2, 2]
    assert sorted(items.facets[facet] for facet in leaves.facets.tolist()) == [
        "category:films > horror",
        "category:grocery",
        "category:grocery > bread",
    ]
    assert leaves.shares.tolist() == [1.0, 0.5, 0.5]
