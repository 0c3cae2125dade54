"""A state becomes a query: what counts, in which order, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.behavior import Interaction
from app.profiles.decay import DAY_S
from app.profiles.fold import fold
from app.profiles.state import State
from app.retrieval.query import N_PAST, NO_TASTE, _weights, build_query, direction, taste_of, waits_for_encoder
from tests.unit import retrieval_board as board

RAW = np.eye(18, dtype=np.float16)[1].tobytes()


def said(text: str, days: float, embedding: bytes | None = RAW, weight: float = 0.4) -> State:
    row = Interaction(1, "1", "search", board.NOW - days * DAY_S, weight, None, text, embedding)
    return fold(State(), [row], board.HALF_LIVES)


def statements(user: State) -> list[tuple[str, float]]:
    query = build_query(board.taste(user), np.ones(12, np.bool_), board.NOW, 10, board.HALF_LIVES)
    return [(one.text, one.weight) for one in query.statements]


def test_the_past_is_newest_first_and_each_item_comes_once() -> None:
    taste = board.taste(board.state([("i2", 9), ("i0", 8), ("i2", 1), ("i4", 3), ("not known", 2)]))
    assert taste.past.tolist() == [2, 4, 0]
    assert taste.types == ("purchase",) * 3


def test_what_came_at_one_time_is_equally_recent() -> None:
    taste = board.taste(board.state([("i0", 5.0), ("i2", 1.0), ("i4", 1.0), ("i6", 0.5)]))
    recency = dict(zip(taste.past.tolist(), taste.recency.tolist(), strict=True))
    assert recency[6] == pytest.approx(1.0)
    assert recency[2] == recency[4] == pytest.approx((np.exp(-1 / 5) + np.exp(-2 / 5)) / 2)
    assert recency[0] == pytest.approx(np.exp(-3 / 5))


def test_refused_items_are_no_past() -> None:
    user = board.state([("i2", 9.0), ("i0", 8.0)])
    fold(user, [Interaction(3, "3", "dislike", board.NOW, -0.8, "i2")], board.HALF_LIVES)
    fold(user, [Interaction(4, "4", "dislike", board.NOW, -0.8, "i2")], board.HALF_LIVES)
    assert board.taste(user).past.tolist() == [0]


def test_the_type_is_that_of_the_newest_behaviour_that_speaks_for_the_item() -> None:
    user = board.state([("i2", 9.0)])
    fold(user, [Interaction(2, "2", "like", board.NOW - DAY_S, 0.7, "i2")], board.HALF_LIVES)
    assert board.taste(user).types == ("like",)


def test_what_is_older_than_the_recent_interactions_still_counts() -> None:
    items = board.catalogue(300)
    user = board.state([("i299", 900.0), *((f"i{row}", 800.0 - row) for row in range(250))])
    taste = taste_of(user, items.rows(user.items), board.world(items, 12), board.HALF_LIVES)
    assert len(taste.past) == N_PAST == len(taste.types)
    assert taste.past[:2].tolist() == [249, 248]


def test_where_the_user_is_now_comes_before_the_strong_clusters() -> None:
    user = board.state(
        [("i1", 40.0), ("i3", 39.0), ("i5", 38.0), ("i7", 37.0), ("i0", 0.1), ("i2", 0.05), ("i4", 0.01)]
    )
    interests = board.taste(user).interests
    assert interests[0].vector[0] > interests[0].vector[1]
    assert {tuple(sorted(one.rows.tolist())) for one in interests[1:]} == {(0, 2, 4), (1, 3, 5, 7)}
    assert sum(one.weight for one in interests[1:]) == pytest.approx(1.0)


def test_the_surer_a_turn_the_more_weighs_the_short_horizon() -> None:
    user = board.state([("i1", 60.0), ("i3", 50.0), ("i0", 1.0)])
    lately = [float(_weights(list(user.items.values()), board.HALF_LIVES, turn)[-1]) for turn in (0.0, 0.5, 1.0)]
    assert lately[0] < lately[1] < lately[2]
    assert _weights(list(user.items.values()), board.HALF_LIVES, 0.7).sum() == pytest.approx(1.0)


def test_vectors_are_of_length_one() -> None:
    for one in board.taste(board.state(board.EVEN_USER)).interests:
        assert np.linalg.norm(one.vector) == pytest.approx(1.0, abs=1e-5)


def test_items_without_an_embedding_make_no_interest_but_stay_in_the_past() -> None:
    items = board.catalogue(14)
    user = board.state([("i13", 1.0)])
    taste = taste_of(user, items.rows(user.items), board.world(items, 12), board.HALF_LIVES)
    assert taste.past.tolist() == [13]
    assert taste.interests == ()


@given(st.floats(0, 20_000))
def test_years_of_absence_break_nothing(days: float) -> None:
    taste = board.taste(board.state([("i0", days + 1), ("i2", days)]))
    assert all(np.isfinite(one.weight) and one.weight > 0 for one in taste.interests)
    assert np.isfinite(taste.habits.strength).all()
    assert taste.habits.strength.max() > 0.5


def test_what_was_said_fades_and_is_forgotten() -> None:
    assert statements(said("tea", 0.0)) == [("tea", 1.0)]
    assert statements(said("tea", 7.0)) == [("tea", pytest.approx(0.5))]
    assert statements(said("tea", 60.0)) == []


def test_a_complaint_is_no_wish() -> None:
    assert statements(said("stale bread", 0.0, weight=-0.5)) == []


def test_words_without_a_vector_wait_and_strange_vectors_are_left_out() -> None:
    waiting = said("tea", 0.0, embedding=None)
    assert statements(waiting) == []
    assert waits_for_encoder(waiting, board.HALF_LIVES, board.NOW)
    assert not waits_for_encoder(said("tea", 0.0), board.HALF_LIVES, board.NOW)
    assert not waits_for_encoder(said("tea", 90.0, embedding=None), board.HALF_LIVES, board.NOW)
    assert statements(said("tea", 0.0, embedding=RAW[:10])) == []
    assert direction(np.full(18, np.nan, np.float16), board.space()) is None


def test_the_newest_user_has_a_query_all_the_same() -> None:
    query = build_query(NO_TASTE, np.ones(12, np.bool_), board.NOW, 10, board.HALF_LIVES)
    assert not len(query.past)
    assert not NO_TASTE.personal
