import numpy as np
import pytest

from app.evaluation.events import Columns, Events, Floats, order_events
from app.evaluation.replay import Exam, History, Track, set_exam
from app.evaluation.splice import Recovery, Splicing, choose_splices

N_ITEMS, STEPS, PAST = 40, 8, 12


def two_camps() -> tuple[Exam, np.ndarray]:
    """Even users take even items and odd users odd ones, each user in an order of their own, no item twice."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(10):
        own = rng.permutation(np.arange(user % 2, N_ITEMS, 2))
        rows += [(f"u{user}", f"i{item}", float(place * 10 + user)) for place, item in enumerate(own)]
    users, items, at = zip(*rows, strict=True)
    columns = Columns(users, items, np.array(at), np.ones(len(rows)), ["view"] * len(rows))
    events = order_events(columns, [f"i{item}" for item in range(N_ITEMS)])
    vectors = np.zeros((N_ITEMS, 2), dtype=np.float32)
    vectors[np.arange(N_ITEMS), np.arange(N_ITEMS) % 2] = 1.0
    return set_exam(events, PAST * 10, np.full(N_ITEMS, -np.inf)), vectors


class Camp:
    """Scores the items of the camp that the `reach` newest behaviours mostly belong to."""

    def __init__(self, reach: int) -> None:
        self._reach = reach

    def fit(self, events: Events) -> None:
        """Knows the camps already."""

    def score(self, history: History) -> Floats:
        assert (np.diff(history.at) >= 0).all()
        assert not len(history.at) or history.at[-1] <= history.now
        odd = float(np.mean(history.items[-self._reach :] % 2)) if len(history.items) else 0.5
        return (np.where(np.arange(N_ITEMS) % 2, odd, 1 - odd)).astype(np.float32)


class Stubborn(Camp):
    """Believes the first behaviour for good."""

    def score(self, history: History) -> Floats:
        return (np.arange(N_ITEMS) % 2 == history.items[0] % 2).astype(np.float32)


def test_pairs_are_as_far_apart_as_profiles_can_be() -> None:
    exam, vectors = two_camps()
    splices = choose_splices(exam, vectors, seed=0, steps=STEPS, past=PAST)
    assert sorted(s.first for s in splices) == list(range(10))
    assert all(s.first % 2 != s.second % 2 for s in splices)
    assert splices == choose_splices(exam, vectors, seed=0, steps=STEPS, past=PAST)


def test_users_with_too_little_past_or_future_are_left_out() -> None:
    exam, vectors = two_camps()
    assert choose_splices(exam, vectors, seed=0, steps=STEPS + 1, past=PAST) == []
    assert choose_splices(exam, vectors, seed=0, steps=STEPS, past=PAST + 1) == []


@pytest.mark.parametrize("reach", [1, 3])
def test_a_scorer_that_looks_back_n_behaviours_follows_after_half_of_them(reach: int) -> None:
    exam, vectors = two_camps()
    splicing = Splicing(exam, choose_splices(exam, vectors, 0, STEPS, PAST), Track.NEW, STEPS)
    recovery = splicing.recover(Camp(reach))
    followed = reach // 2 + 1
    assert recovery.n == 10
    assert recovery.spliced[:followed] == pytest.approx(np.zeros(followed), abs=1e-9)
    assert recovery.spliced[followed:] == pytest.approx(recovery.alone[followed:])
    assert recovery.behaviors_until() == followed


def test_a_scorer_that_never_learns_never_recovers() -> None:
    exam, vectors = two_camps()
    splicing = Splicing(exam, choose_splices(exam, vectors, 0, STEPS, PAST), Track.NEW, STEPS)
    recovery = splicing.recover(Stubborn(1))
    assert (recovery.alone > 0).all()
    assert recovery.behaviors_until() is None


def test_coming_back_is_measured_against_never_having_left() -> None:
    exam, vectors = two_camps()
    splicing = Splicing(exam, choose_splices(exam, vectors, 0, STEPS, PAST), Track.NEW, STEPS)
    recovery = splicing.recover_return(Camp(3), away=5)
    assert recovery.spliced[:2] == pytest.approx([0, 0], abs=1e-9)
    assert recovery.behaviors_until() == 2
    assert splicing.recover_return(Stubborn(1), away=5).behaviors_until() == 0


def test_nobody_to_splice_is_no_result() -> None:
    exam, _ = two_camps()
    recovery = Splicing(exam, [], Track.NEW, STEPS).recover(Camp(1))
    assert recovery.n == 0
    assert np.isnan(recovery.spliced).all()
    assert recovery.behaviors_until() is None


def test_recovery_is_read_from_windows_of_three() -> None:
    lucky = Recovery(np.array([0, 1.0, 0, 0, 1, 1, 1]), np.ones(7), 5)
    assert lucky.behaviors_until() == 4
