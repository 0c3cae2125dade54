import math

import numpy as np
import pytest

from app.evaluation.baselines import competitors, grids, tuned
from app.evaluation.baselines.pairs import Ease
from app.evaluation.events import Columns, Events, Floats, known_since, order_events
from app.evaluation.replay import History, Mode, Track, replay, sampled, set_exam
from app.evaluation.split import Split, split_by_time
from app.evaluation.tuning import Grid, Trial, best, try_all, validation_exam

N_ITEMS = 12


def walks(n_users: int = 12, steps: int = 30) -> Split:
    """Everybody goes on from item v to item v + 1: who looks at the newest item only is right."""
    rows = [
        (f"u{u}", f"i{(u + step) % N_ITEMS}", float(step * n_users + u))
        for step in range(steps)
        for u in range(n_users)
    ]
    users, items, at = zip(*rows, strict=True)
    columns = Columns(users, items, np.array(at), np.ones(len(rows)), ["view"] * len(rows))
    return split_by_time(order_events(columns, [f"i{v}" for v in range(N_ITEMS)]))


class Follower:
    """Scores what comes `main` after the user's items, the newest ones most."""

    fits: list[Events] = []  # noqa: RUF012 -- all of them together

    def __init__(self, tau: float | None, main: float) -> None:
        self.tau, self._step = tau, int(main)

    def fit(self, events: Events) -> None:
        self.fits.append(events)

    def score(self, history: History) -> Floats:
        assert self.fits, "asked before it was fitted"
        places = np.arange(len(history.items))[::-1] / (self.tau or 1e9)
        scores = np.zeros(N_ITEMS)
        np.add.at(scores, (history.items + self._step) % N_ITEMS, np.exp(-places))
        return scores.astype(np.float32)


@pytest.fixture
def fits() -> list[Events]:
    Follower.fits.clear()
    return Follower.fits


def exam_of(split: Split, n_queries: int | None = None):
    return sampled(validation_exam(split, known_since(split.events), 10_000), n_queries, seed=0)


def test_the_best_setting_is_found_for_each_track(fits: list[Events]) -> None:
    trials = try_all(Grid(Follower, "step", (1.0, 2.0), (None, 0.1)), exam_of(walks()))
    assert [(trial.main, trial.tau) for trial in trials] == [(1.0, None), (1.0, 0.1), (2.0, None), (2.0, 0.1)]
    chosen = best(trials, Track.REPEATS)
    assert chosen
    assert (chosen.main, chosen.tau, chosen.ndcg[Track.REPEATS]) == (1.0, 0.1, 1.0)
    still = best(trials, Track.REPEATS, fading=False)
    assert still
    assert (still.main, still.tau) == (1.0, None)
    assert isinstance(chosen.make(), Follower)


def test_settings_that_learn_the_same_share_a_fit(fits: list[Events]) -> None:
    exam = exam_of(walks(), 20)
    try_all(Grid(Follower, "step", (1.0, 2.0), (None, 0.1, 5.0)), exam)
    assert len(fits) == 2
    try_all(Grid(Follower, "step", (1.0, 2.0), (None, 0.1, 5.0), learns_fading=True), exam)
    assert len(fits) == 2 + 6


def test_no_trial_sees_the_test_span(fits: list[Events]) -> None:
    split = walks()
    exam = exam_of(split)
    try_all(Grid(Follower, "step", (1.0,)), exam)
    assert all(len(lesson) == split.validation_row for lesson in fits)
    assert len(exam.events) == split.test_row
    assert exam.queries.min() == split.validation_row


def test_without_questions_every_setting_is_as_good_and_the_first_is_taken() -> None:
    trials = [Trial(tau, 1.0, dict.fromkeys(Track, math.nan), Ease) for tau in (None, 2.0)]
    assert best(trials, Track.NEW) is trials[0]
    assert best(trials, Track.NEW, fading=True) is trials[1]
    assert best(trials[:1], Track.NEW, fading=True) is None


def test_everybody_gets_as_many_settings() -> None:
    raw = np.random.default_rng(0).normal(size=(N_ITEMS, 4)).astype(np.float32)
    found = grids(raw)
    assert {len(grid) for grid in found.values()} == {9}
    names = {name.removesuffix(" decayed") for name in competitors(raw)}
    assert set(found) == {name for name in names if not name.startswith("popular")}


@pytest.mark.parametrize("name", grids())
def test_a_tried_setting_answers_as_one_that_was_made_with_it(name: str) -> None:
    split = walks()
    exam = exam_of(split, 15)
    for trial in try_all(grids()[name], exam)[-2:]:
        again = replay(trial.make(), exam, Mode.UPDATED)[Track.REPEATS].records["rank"]
        assert trial.ndcg[Track.REPEATS] == pytest.approx(
            float(np.mean(np.where(again <= 10, 1 / np.log2(1 + again), 0)))
        )


def test_the_tuned_lineup_has_each_competitor_with_and_without_decay() -> None:
    plain = Trial(None, 1.0, {Track.NEW: 0.1, Track.REPEATS: 0.3}, lambda: Ease(None, 1.0))
    other = Trial(None, 2.0, {Track.NEW: 0.2, Track.REPEATS: 0.1}, lambda: Ease(None, 2.0))
    faded = Trial(5.0, 2.0, {Track.NEW: 0.0, Track.REPEATS: 0.0}, lambda: Ease(5.0, 2.0))
    lineup = tuned({"EASE": [plain, other, faded]})
    assert lineup["EASE"] == {Track.NEW: other.make, Track.REPEATS: plain.make}
    assert lineup["EASE decayed"] == dict.fromkeys(Track, faded.make)
    assert len(set(lineup["popular 7 d"].values())) == 1


def test_a_sample_is_drawn_of_the_queries_and_stays_in_order() -> None:
    split = walks()
    exam = set_exam(split.events, split.test_row, known_since(split.events))
    some = sampled(exam, 10, seed=3)
    assert len(some.queries) == 10
    assert (np.diff(some.queries) > 0).all()
    assert np.isin(some.queries, exam.queries).all()
    assert (sampled(exam, 10, seed=3).queries == some.queries).all()
    assert (sampled(exam, 10, seed=4).queries != some.queries).any()
    assert sampled(exam, None, seed=0) is exam
    assert sampled(exam, 10_000, seed=0) is exam
