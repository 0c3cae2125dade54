"""The state is a fold of the log: order, batches and repetition change nothing."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.behavior import Interaction
from app.profiles.decay import DAY_S, HalfLives, fade
from app.profiles.fold import N_RECENT, fold
from app.profiles.state import Recent, State, decode_state, encode_state

HALF_LIVES = HalfLives(long_days=90, short_days=7)
NOW = 1_700_000_000.0

TYPES = {"view": 0.2, "purchase": 1.0, "dislike": -0.8, "impression": 0.0, "search": 0.4}


@st.composite
def streams(draw: st.DrawFn) -> list[Interaction]:
    n = draw(st.integers(1, 40))
    return [_interaction(draw, place) for place in range(n)]


def _interaction(draw: st.DrawFn, place: int) -> Interaction:
    type_ = draw(st.sampled_from(sorted(TYPES)))
    return Interaction(
        seq=place + 1,
        behavior_id=f"b{place}",
        type=type_,
        at=NOW - draw(st.sampled_from([0, 1, 3600]) | st.integers(0, 400 * 86_400)),
        weight=TYPES[type_],
        item_id=None if type_ == "search" else f"i{draw(st.integers(0, 5))}",
        text="words" if type_ == "search" else None,
        embedding=b"vector" if type_ == "search" and draw(st.booleans()) else None,
        flagged=draw(st.integers(0, 9)) == 0,
    )


def _folded(interactions: list[Interaction]) -> State:
    return fold(State(), interactions, HALF_LIVES)


def _renumbered(interactions: list[Interaction]) -> list[Interaction]:
    """The same facts, had they arrived in this order."""
    return [replace(one, seq=place) for place, one in enumerate(interactions, 1)]


def _told(recent: Recent) -> tuple[object, ...]:
    """All but the order in which it arrived, which decides only among what has the same time."""
    return recent.at, recent.behavior_id, recent.item_id, recent.type, recent.weight


def _assert_same(one: State, other: State) -> None:
    assert one.counts == other.counts
    assert (one.n_flagged, one.first_at, one.last_at, one.days) == (
        other.n_flagged,
        other.first_at,
        other.last_at,
        other.days,
    )
    assert sorted(map(_told, one.recent)) == sorted(map(_told, other.recent))
    assert [recent.at for recent in one.recent] == [recent.at for recent in other.recent]
    assert one.said == other.said
    assert one.items.keys() == other.items.keys()
    for item_id, tally in one.items.items():
        twin = other.items[item_id]
        assert (tally.n, tally.n_positive, tally.n_negative, tally.n_purchases) == (
            twin.n,
            twin.n_positive,
            twin.n_negative,
            twin.n_purchases,
        )
        for name in ("first_at", "last_at", "first_purchase_at", "last_purchase_at"):
            assert getattr(tally, name) == getattr(twin, name)
        for name in ("long", "short", "negative"):
            assert abs(getattr(tally, name) - getattr(twin, name)) <= 1e-9


@settings(max_examples=500, deadline=None)
@given(streams(), st.randoms(use_true_random=False), st.lists(st.integers(0, 40), max_size=5), st.integers(0, 5))
def test_order_of_arrival_batches_and_repetition_do_not_matter(stream, random, cuts, n_again):
    arrived = stream.copy()
    random.shuffle(arrived)
    arrived = _renumbered(arrived)
    state = State()
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(bounds):
        batch = arrived[max(0, start - n_again) : end]
        random.shuffle(batch)
        state = decode_state(encode_state(fold(state, batch, HALF_LIVES)))
    _assert_same(state, _folded(stream))
    assert state.seq == len(stream)


@settings(max_examples=200, deadline=None)
@given(streams())
def test_rows_that_come_again_change_nothing(stream):
    state = _folded(stream)
    before = encode_state(state)
    assert encode_state(fold(state, stream, HALF_LIVES)) == before


@settings(max_examples=200, deadline=None)
@given(streams())
def test_sums_equal_the_definition(stream):
    state = _folded(stream)
    for item_id, tally in state.items.items():
        mine = [one for one in stream if one.item_id == item_id and not one.flagged and one.type != "impression"]
        for name, half_life, sign in (("long", 90, 1), ("short", 7, 1), ("negative", 90, -1)):
            expected = sum(
                abs(one.weight) * 2 ** (-(NOW - one.at) / (half_life * DAY_S)) for one in mine if one.weight * sign > 0
            )
            assert math.isclose(
                getattr(tally, name) * fade(NOW - tally.last_at, half_life), expected, rel_tol=1e-9, abs_tol=1e-12
            )


@settings(max_examples=200, deadline=None)
@given(streams())
def test_a_state_reads_back_as_it_was_written(stream):
    state = _folded(stream)
    assert decode_state(encode_state(state)) == state


def test_the_latest_interactions_are_kept_by_time_and_the_lines_of_a_basket_in_their_order():
    stream = [Interaction(n + 1, f"b{n:03}", "view", NOW - n // 2, 0.2, f"i{n}") for n in range(N_RECENT + 50)]
    arrived = _renumbered(stream[::3] + stream[2::3] + stream[1::3])
    kept = _folded(arrived).recent
    newest = sorted(arrived, key=lambda one: (one.at, one.seq), reverse=True)[:N_RECENT]
    assert [one.behavior_id for one in kept] == [one.behavior_id for one in newest]


def test_a_user_with_nothing_but_flagged_rows_has_an_empty_profile():
    state = _folded([Interaction(1, "b1", "view", NOW, 0.2, "i1", flagged=True)])
    assert (state.n_flagged, state.counts, state.items) == (1, {}, {})


def test_impressions_are_counted_but_are_nobodys_taste():
    state = _folded([Interaction(1, "b1", "impression", NOW, 0.0, "i1")])
    assert (state.counts, state.items, state.days) == ({"impression": 1}, {}, [])


def test_one_behaviour_is_a_state_of_its_own():
    state = _folded([Interaction(7, "b1", "purchase", NOW, 1.0, "i1")])
    tally = state.items["i1"]
    assert (state.seq, state.days, state.first_at, state.last_at) == (7, [int(NOW // DAY_S)], NOW, NOW)
    assert (tally.n, tally.n_purchases, tally.first_purchase_at, tally.long, tally.short) == (1, 1, NOW, 1.0, 1.0)


def test_times_before_1970_are_times_like_others():
    state = _folded([Interaction(n, f"b{n}", "purchase", -n * DAY_S, 1.0, "i1") for n in (1, 2)])
    assert (state.first_at, state.last_at, state.days) == (-2 * DAY_S, -DAY_S, [-2, -1])
    assert (state.items["i1"].first_purchase_at, state.items["i1"].last_purchase_at) == (-2 * DAY_S, -DAY_S)
