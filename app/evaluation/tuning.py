"""The same chance for everybody: each competitor is tried in equally many settings, and the best one takes part.

A trial sees behaviours before the test span only: it learns up to the validation span and is asked within it, with
the profile updated. A grid is `mains` (values of the parameter that matters most) times `taus` (how fast the past
fades, in behaviours; None not at all).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from app.evaluation.events import Events, Floats, Times
from app.evaluation.metrics import mean, ndcg_at
from app.evaluation.replay import Exam, History, Mode, Scorer, Track, replay, sampled, set_exam
from app.evaluation.split import Split

TAUS = (None, 5.0, 20.0)
N_QUERIES = 400


class Fading(Scorer, Protocol):
    """A scorer to which the past fades with `tau`; unless its grid says otherwise, what it has learned does not."""

    tau: float | None


@dataclass(frozen=True, slots=True)
class Grid:
    """`make` takes tau and a value of `parameter`. `learns_fading` where each tau needs a fit of its own."""

    make: Callable[[float | None, float], Fading]
    parameter: str
    mains: tuple[float, ...]
    taus: tuple[float | None, ...] = TAUS
    learns_fading: bool = False

    def __len__(self) -> int:
        return len(self.mains) * len(self.taus)


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting, and its NDCG@10 on the validation span by track; NaN where a track had no questions."""

    tau: float | None
    main: float
    ndcg: dict[Track, float]
    make: Callable[[], Scorer]


def validation_exam(split: Split, known_at: Times, n_queries: int = N_QUERIES, seed: int = 0) -> Exam:
    """A random sample of the behaviours of the validation span; the events of the test span are not even there."""
    return sampled(set_exam(split.before_test, split.validation_row, known_at), n_queries, seed)


def try_all(grid: Grid, exam: Exam) -> list[Trial]:
    """Every setting of the grid; settings that learn the same share the fit."""
    lesson = exam.events.take(slice(0, exam.start))
    return [trial for main in grid.mains for trial in _tried(grid, main, exam, lesson)]


def best(trials: Sequence[Trial], track: Track, fading: bool | None = None) -> Trial | None:
    """The first of the best, among all, or only those that fade or do not; None where there is none."""
    some = [trial for trial in trials if fading is None or fading == (trial.tau is not None)]
    return max(some, key=lambda trial: _or_least(trial.ndcg[track]), default=None)


class Fitted:
    """A scorer that has learned what it should: fitting it again is passed over."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def fit(self, events: Events) -> None:
        """Done already."""

    def score(self, history: History) -> Floats:
        return self._scorer.score(history)


def _tried(grid: Grid, main: float, exam: Exam, lesson: Events) -> list[Trial]:
    trials: list[Trial] = []
    scorer: Fading | None = None
    for tau in grid.taus:
        if scorer is None or grid.learns_fading:
            scorer = grid.make(tau, main)
            scorer.fit(lesson)
        scorer.tau = tau
        trials.append(Trial(tau, main, _ndcg(Fitted(scorer), exam), partial(grid.make, tau, main)))
    return trials


def _ndcg(scorer: Scorer, exam: Exam) -> dict[Track, float]:
    outcomes = replay(scorer, exam, Mode.UPDATED)
    return {track: mean(ndcg_at(outcome.records["rank"], 10)) for track, outcome in outcomes.items()}


def _or_least(value: float) -> float:
    return -1.0 if math.isnan(value) else value
