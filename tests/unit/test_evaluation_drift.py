"""Whether a catalogue's popularity moves: a planted turn is seen, steady weeks are not called one."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.drift import N_BEFORE_DAYS, N_RECENT_DAYS, Shift, shift_of

N_DAYS = N_BEFORE_DAYS + N_RECENT_DAYS
V = 50


def _world(seed: int, turned: float = 0.0, per_day: int = 100) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items, days and counts; in the last week this share of the behaviours goes to ten other items."""
    rng = np.random.default_rng(seed)
    usual = np.append(rng.dirichlet(np.full(V, 0.5)), np.zeros(10))
    new = np.append(np.zeros(V), np.full(10, 0.1))
    items, days, counts = [], [], []
    for day in range(N_DAYS):
        share = turned if day >= N_BEFORE_DAYS else 0.0
        n = rng.multinomial(per_day, (1 - share) * usual + share * new)
        items += np.flatnonzero(n).tolist()
        days += [19_000 + day] * int((n > 0).sum())
        counts += n[n > 0].tolist()
    return np.array(items, dtype=np.int32), np.array(days), np.array(counts)


def _shift(*columns: np.ndarray) -> Shift:
    shift = shift_of(*columns)
    assert shift is not None
    return shift


def test_steady_weeks_are_hardly_ever_called_a_drift():
    assert np.mean([_shift(*_world(seed)).drifting for seed in range(100)]) <= 0.05


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_turn_is_seen_and_measured(seed):
    shift = _shift(*_world(seed, turned=0.3))
    assert shift.drifting
    assert shift.moved == pytest.approx(0.3, abs=0.12)


def test_a_small_turn_moves_little():
    small, large = _shift(*_world(1, turned=0.05)), _shift(*_world(1, turned=0.5))
    assert small.bits < large.bits
    assert small.moved < large.moved


def test_the_order_does_not_matter_and_days_before_do_not_count():
    items, days, counts = _world(3, turned=0.2)
    order = np.random.default_rng(0).permutation(len(items))
    assert _shift(items[order], days[order], counts[order]) == _shift(items, days, counts)
    old = np.full(1, days.min() - 1)
    assert _shift(
        np.append(items, 7).astype(np.int32), np.append(days, old), np.append(counts, 10_000)
    ) == _shift(items, days, counts)  # fmt: skip


def test_days_that_each_have_their_own_item_are_no_drift():
    rng = np.random.default_rng(0)
    columns = [(day % 9, 19_000 + day, int(50 + rng.integers(50))) for day in range(N_DAYS)]
    assert not _shift(*(np.array(column) for column in zip(*columns, strict=True))).drifting


@pytest.mark.parametrize(
    "columns",
    [
        ([], [], []),
        ([1], [5], [10_000]),
        ([1] * N_DAYS, list(range(N_DAYS)), [1] * N_DAYS),  # too few
        ([1, 1], [0, 30], [10_000, 10_000]),  # too few days
        ([1, 2], [19_000, 19_000], [10_000, 10_000]),  # all at one time
    ],
    ids=["nothing", "one", "few", "few days", "one day"],
)
def test_nothing_is_said_of_too_little(columns):
    assert shift_of(*(np.array(column, dtype=np.int64) for column in columns)) is None


def test_one_item_cannot_move():
    shift = _shift(np.ones(N_DAYS, dtype=np.int32), np.arange(N_DAYS), np.full(N_DAYS, 100))
    assert not shift.drifting
    assert shift.moved == 0.0
