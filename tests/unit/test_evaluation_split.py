import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInput
from app.evaluation.events import Columns, Events, first_seen, known_since, order_events
from app.evaluation.split import cold_items, cold_users, draw_withheld, split_by_time, without_items


def events_of(rows: list[tuple[str, str, float]], catalogue: tuple[str, ...] = ()) -> Events:
    users, items, at = zip(*rows, strict=True)
    return order_events(Columns(users, items, np.array(at), np.ones(len(rows)), ["view"] * len(rows)), catalogue)


def spread_over(n: int) -> Events:
    return events_of([(f"u{t % 7}", f"i{t % 11}", float(t)) for t in range(n)])


def test_behaviours_are_ordered_by_time_and_then_by_input_row() -> None:
    events = events_of([("a", "late", 2.0), ("a", "first", 1.0), ("b", "second", 1.0), ("a", "third", 1.0)])
    assert [events.vocabulary.item_ids[v] for v in events.items] == ["first", "second", "third", "late"]


def test_items_of_the_catalogue_exist_without_behaviours() -> None:
    events = events_of([("a", "y", 1.0)], catalogue=("x", "y"))
    assert events.vocabulary.item_ids == ("x", "y")
    assert first_seen(events).tolist() == [np.inf, 1.0]


def test_an_item_is_known_since_its_publication_or_its_first_behaviour() -> None:
    events = events_of(
        [("a", "dated", 5.0), ("a", "early", 5.0), ("a", "undated", 7.0)], ("dated", "early", "undated", "idle")
    )
    known = known_since(events, np.array([3.0, 9.0, np.nan, np.nan]))
    assert known.tolist() == [3.0, 5.0, 7.0, -np.inf]


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InvalidInput, match="length"):
        order_events(Columns(["a"], ["x", "y"], np.array([1.0]), np.ones(1), ["view"]))


def test_a_missing_time_is_refused() -> None:
    with pytest.raises(InvalidInput, match="time"):
        events_of([("a", "x", float("nan"))])


def test_the_cuts_lie_at_four_fifths_and_nine_tenths() -> None:
    split = split_by_time(spread_over(100))
    assert (len(split.train), len(split.validation), len(split.test)) == (80, 10, 10)
    assert len(split.before_test) == 90


@given(st.lists(st.integers(0, 12), min_size=3, max_size=60))
def test_nothing_after_a_cut_is_as_old_as_anything_before_it(times: list[int]) -> None:
    events = events_of([(f"u{n % 3}", f"i{n % 5}", float(t)) for n, t in enumerate(times)])
    try:
        split = split_by_time(events)
    except InvalidInput:
        return
    assert split.train.at.max() < split.validation.at.min()
    assert split.validation.at.max() < split.test.at.min()
    assert len(split.train) + len(split.validation) + len(split.test) == len(times)


@pytest.mark.parametrize("times", [[1.0], [1.0] * 50, [1.0] * 49 + [2.0]])
def test_too_little_time_to_split_is_refused(times: list[float]) -> None:
    with pytest.raises(InvalidInput, match="split"):
        split_by_time(events_of([("a", "x", t) for t in times]))


def test_nothing_at_all_is_refused() -> None:
    nothing = order_events(Columns([], [], np.empty(0), np.empty(0), []))
    with pytest.raises(InvalidInput):
        split_by_time(nothing)


def test_cold_users_and_items_have_nothing_before_the_cut() -> None:
    events = events_of([("old", "x", 1.0), ("gone", "y", 1.5), ("old", "y", 2.0), ("new", "x", 3.0), ("new", "z", 4.0)])
    assert [events.vocabulary.user_ids[u] for u in np.flatnonzero(cold_users(events, 3))] == ["new"]
    assert [events.vocabulary.item_ids[v] for v in np.flatnonzero(cold_items(events, 3))] == ["z"]


def test_withheld_items_are_drawn_by_the_seed_and_leave_no_trace_in_training() -> None:
    events = events_of([(f"u{t}", f"i{t % 40}", float(t)) for t in range(200)], catalogue=("never",))
    withheld = draw_withheld(events, seed=1)
    assert withheld.sum() == 6
    assert not withheld[0]
    assert (withheld == draw_withheld(events, seed=1)).all()
    assert (withheld != draw_withheld(events, seed=2)).any()
    left = without_items(events, withheld)
    assert not withheld[left.items].any()
    assert len(left) == 200 - 6 * 5
