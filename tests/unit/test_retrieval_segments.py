"""What is popular with people of one kind: planted favourites lead, everybody's stand behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.domain.catalogue import Catalogue, Mask
from app.domain.item import Item
from app.profiles.state import State
from app.retrieval.artifact import Positions
from app.retrieval.base import Query
from app.retrieval.segments import HALF_LIFE_DAYS, PRIOR, SegmentTrend, fit
from tests.unit import people_board as board
from tests.unit import retrieval_board

# Of every nine users the first four are of segment 0 and turn to even items, the others of segment 1 and turn to odd
# ones; the last of all is of none.
N_USERS = 450
STRANGER = N_USERS
SEGMENTS = np.array([int(user % 9 >= 4) for user in range(N_USERS)] + [-1], dtype=np.int32)
N_ITEMS = 12


def ask(segment: int, allowed: Mask, n: int = 50) -> Query:
    return replace(retrieval_board.query(State()), segment=segment, allowed=allowed, n=n)


def _lines() -> list[board.Line]:
    """Six items a user, one a day; the first even and the first odd item are bought twice as often."""
    starts = [(user, int(SEGMENTS[user]), 0.001 * user) for user in range(N_USERS)]
    mine = [
        (user, f"i{2 * ((user + step) % 6) + odd:02d}", "purchase", 20.0 - step - late)
        for user, odd, late in starts
        for step in range(6)
    ]
    return [*mine, *[(user, f"i{odd:02d}", "purchase", 4.5 - late) for user, odd, late in starts]]


def _subject(lines: list[board.Line], n_items: int = N_ITEMS) -> SegmentTrend:
    log = board.log_of(lines)
    positions = Positions(log.item_ids, Catalogue(Item(f"i{n:02d}") for n in range(n_items)))
    return SegmentTrend(fit(log, SEGMENTS), positions, ("regulars", "browsers"))


def _all(n: int = N_ITEMS) -> Mask:
    return np.ones(n, dtype=np.bool_)


@pytest.mark.parametrize("segment", [0, 1])
def test_the_favourites_of_a_segment_lead_and_all_others_follow(segment):
    scored = _subject(_lines()).score(ask(segment, _all()))
    assert scored.rows[0] == segment
    assert set(scored.rows.tolist()) == set(range(N_ITEMS))
    word = scored.of(np.arange(N_ITEMS, dtype=np.int32)).reshape(-1, 2)
    assert (word[:, segment] > word[:, 1 - segment]).all()
    assert (np.diff(scored.scores) <= 0).all()
    assert 0 < scored.scores.sum() <= 1 + 1e-5


def test_shares_are_as_counted_by_hand():
    lines = _lines()
    arrays = fit(board.log_of(lines), SEGMENTS)
    last = min(days for *_, days in lines)
    counts = np.zeros((2, N_ITEMS))
    for user, item, _, days in lines:
        counts[SEGMENTS[user], int(item[1:])] += 0.5 ** ((days - last) / HALF_LIFE_DAYS)
    everybody = counts.sum(axis=0) / counts.sum()
    expected = (counts + PRIOR * everybody) / (counts.sum(axis=1, keepdims=True) + PRIOR)
    np.testing.assert_allclose(arrays["shares"], expected, rtol=1e-5)


def test_a_user_counts_once_an_item_and_day_and_only_with_a_segment():
    lines = _lines()
    again = [(0, "i04", "purchase", 1.0 + 0.0001 * n) for n in range(50)]
    once = fit(board.log_of([*lines, again[0]]), SEGMENTS)
    many = fit(board.log_of([*lines, *again]), SEGMENTS)
    np.testing.assert_allclose(once["shares"], many["shares"], rtol=1e-3)
    stranger = [(STRANGER, "i03", "purchase", 2.0 + n) for n in range(9)]
    np.testing.assert_allclose(fit(board.log_of([*lines, *stranger]), SEGMENTS)["shares"], fit(
        board.log_of(lines), SEGMENTS)["shares"])  # fmt: skip


def test_what_is_not_allowed_does_not_come_but_has_a_word():
    subject, allowed = _subject(_lines()), _all()
    allowed[[0, 2]] = False
    scored = subject.score(ask(0, allowed))
    assert not {0, 2} & set(scored.rows.tolist())
    word = scored.of(np.array([0, 2, int(scored.rows[0]), -1, 99], dtype=np.int32))
    assert word[0] > word[2] == pytest.approx(scored.scores[0])
    assert np.isnan(word[3:]).all()
    assert len(subject.score(ask(0, allowed, n=3)).rows) == 3


@pytest.mark.parametrize("segment", [-1, 2, 99])
def test_of_no_segment_nothing_is_said(segment):
    assert not len(_subject(_lines()).score(ask(segment, _all())).rows)


def test_nothing_is_said_where_nothing_is_allowed_or_known():
    assert not len(_subject(_lines()).score(ask(0, ~_all())).rows)
    assert not len(_subject(_lines(), n_items=0).score(ask(0, _all(0))).rows)


def test_the_reason_names_the_kind_of_people():
    reason = _subject(_lines()).reasons(ask(1, _all()), np.array([1, 3], dtype=np.int32))
    assert [one.text for one in reason] == ["Popular with people who shop like you: browsers"] * 2


def test_a_catalogue_that_turns_over_is_trusted_less():
    stable = fit(board.log_of(_lines()), SEGMENTS)["confidence"][0]
    fresh = [(n % 9, f"i{n:03d}", "purchase", 30.0 - 0.1 * n) for n in range(200)]
    assert fit(board.log_of(fresh), SEGMENTS)["confidence"][0] < stable


@pytest.mark.parametrize(
    ("lines", "segments"),
    [
        ([], SEGMENTS),
        ([(STRANGER, "i01", "purchase", 1.0)], SEGMENTS),
        ([(0, "i01", "purchase", 1.0)], SEGMENTS),
        ([(0, "i01", "purchase", 1.0)], np.full(1, -1, dtype=np.int32)),
        ([(user, "i01", "purchase", 1.0) for user in range(9)], SEGMENTS),
    ],
    ids=["nobody", "no segment", "one", "no segments", "one item at one time"],
)
def test_little_is_learned_from_little(lines, segments):
    log = board.log_of(lines)
    arrays = fit(log, segments)
    assert np.isfinite(arrays["shares"]).all()
    assert 0 <= arrays["confidence"][0] <= 1
    subject = SegmentTrend(arrays, Positions(log.item_ids, Catalogue([Item("i01")])), ("a", "b"))
    assert subject.score(ask(0, _all(1))).scores.sum() <= 1
