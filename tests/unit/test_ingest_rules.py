"""Repeats, robots and weights."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.behavior import Behavior
from app.ingest.dedupe import dedupe, same_payload
from app.ingest.rules import IngestRules
from app.ingest.screen import Pace, screen
from app.ingest.weigh import BUILT_IN, Weights, nearest_type, weigh

AT = datetime(2026, 1, 1, tzinfo=UTC)
RULES = IngestRules(burst_per_minute=3, robot_per_day=10)

behaviors = st.builds(
    Behavior,
    user_id=st.sampled_from(["a", "b"]),
    behavior_id=st.sampled_from(["", "1", "2", "3"]),
    type=st.sampled_from(["view", "like"]),
    occurred_at=st.just(AT),
)
moments = st.lists(st.floats(min_value=0, max_value=300_000), max_size=60)


@given(st.lists(behaviors, max_size=20))
def test_every_place_is_told_once_and_the_first_of_an_id_stands(batch: list[Behavior]) -> None:
    found = dedupe(batch)
    assert sorted(found.fresh + found.repeats + found.conflicts) == list(range(len(batch)))
    firsts = {(batch[place].user_id, batch[place].behavior_id): place for place in reversed(found.fresh)}
    for place in found.repeats + found.conflicts:
        first = firsts[batch[place].user_id, batch[place].behavior_id]
        assert first < place
        assert same_payload(batch[first], batch[place]) == (place in found.repeats)
    named = [(batch[place].user_id, batch[place].behavior_id) for place in found.fresh if batch[place].behavior_id]
    assert len(named) == len(set(named))


def test_a_time_that_was_filled_in_is_no_difference() -> None:
    first = Behavior("u", "b", "view", AT, timed=False, item_id="i")
    assert same_payload(first, replace(first, occurred_at=AT + timedelta(seconds=1)))
    timed = replace(first, timed=True)
    assert not same_payload(timed, replace(timed, occurred_at=AT + timedelta(seconds=1)))


def test_any_other_field_is_a_difference() -> None:
    first = Behavior("u", "b", "view", AT, item_id="i")
    changes = {"type": "like", "item_id": "j", "text": "t", "value": 1.0, "session_id": "s", "context": {"a": 1}}
    for name, value in changes.items():
        assert not same_payload(first, replace(first, **{name: value})), name


def test_numbers_of_a_context_are_compared_by_value() -> None:
    first = Behavior("u", "b", "view", AT, context={"a": 1e300})
    assert same_payload(first, replace(first, context={"a": 10**300}))


@given(moments)
def test_a_person_is_never_flagged_and_more_than_the_limits_always(at: list[float]) -> None:
    flags = screen(None, at, RULES)
    minutes, days = [int(moment // 60) for moment in at], [int(moment // 86_400) for moment in at]
    for place, flag in enumerate(flags):
        n_minute, n_day = minutes[: place + 1].count(minutes[place]), days[: place + 1].count(days[place])
        assert flag == ("robot" if n_day > 10 else "burst" if n_minute > 3 else None)


def test_the_pace_from_before_counts_in_its_minute_and_day() -> None:
    pace = Pace(minute_no=100, n_minute=3, day_no=0, n_day=3)
    assert screen(pace, [100 * 60.0, 101 * 60.0], RULES) == ["burst", None]
    assert screen(Pace(5, 1, 0, 10), [100 * 60.0, 86_400.0], RULES) == ["robot", None]


@given(st.sampled_from(sorted(BUILT_IN)) | st.text(max_size=10), st.none() | st.floats(0, 5))
def test_weights_lie_between_minus_one_and_one(type_: str, value: float | None) -> None:
    weight = weigh(Weights(), type_, value)
    assert -1 <= weight <= 1
    assert type_ in BUILT_IN or weight == 0


@given(st.floats(1, 5), st.floats(1, 5))
def test_a_better_rating_never_weighs_less(one: float, other: float) -> None:
    worse, better = sorted((one, other))
    assert weigh(Weights(), "rating", worse) <= weigh(Weights(), "rating", better)


def test_ratings_are_normalised_around_the_middle_of_their_scale() -> None:
    assert [weigh(Weights(), "rating", value) for value in (0.5, 1, 3, 5)] == [-1, -1, 0, 1]
    assert weigh(Weights(rating_max=10), "rating", 10) == 1
    assert weigh(Weights(), "rating", None) == 0


def test_an_unknown_type_has_a_nearest_one() -> None:
    assert nearest_type(Weights(), "Purchased") == "purchase"
    assert nearest_type(Weights(), "zzzz") is None
