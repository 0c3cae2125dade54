"""The exam itself: every behaviour after a moment, asked for just before it happened.

Ranking is full (every item known at that moment), ties count half, and two tracks are read from the same scores:
`NEW` asks only for items that the user has not had and hides those they have had; `REPEATS` asks for everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows
from app.evaluation.events import Events, Floats, Times
from app.evaluation.metrics import mid_rank
from app.evaluation.split import without_items

Records = NDArray[np.void]

RECORD: list[tuple[str, Any]] = [
    ("query", np.int32),  # row of the behaviour in the exam's events
    ("user", np.int32),
    ("item", np.int32),
    ("at", np.float64),
    ("rank", np.float32),
    ("n_candidates", np.int32),
    ("n_history", np.int32),  # behaviours of the user until then, whatever the mode let the scorer see
]


class Mode(StrEnum):
    """What is kept up to date while the exam runs."""

    FROZEN = "F"  # neither profile nor models
    UPDATED = "U"  # the profile, after every behaviour
    REFITTED = "O"  # the profile, and the models at each tenth of the span


class Track(StrEnum):
    NEW = "new"
    REPEATS = "repeats"


@dataclass(frozen=True, slots=True)
class History:
    """What is known of one user at `now` (seconds since 1970): (T,) behaviours, oldest first.

    A score comes from the behaviours; `user` only says whose they are, and a splice gives one user's to another.
    """

    user: int
    items: Rows
    at: Times
    weights: Floats
    types: NDArray[np.int16]
    now: float


class Scorer(Protocol):
    """A system under exam."""

    def fit(self, events: Events) -> None:
        """Learns from all that has happened so far, instead of what it learned before."""

    def score(self, history: History) -> Floats:
        """(V,) one score an item, higher is better, NaN where it cannot say."""


@dataclass(frozen=True, slots=True)
class Exam:
    """`events` end with the last query; those before row `start` are known when it begins.

    `queries` (Q,) are the rows asked for, ascending; `known_at` (V,) says since when an item is a candidate
    (`events.known_since`); a `withheld` item (V,) stays out of every fit, as if it were new.
    """

    events: Events
    start: int
    queries: Rows
    known_at: Times
    withheld: Mask | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One track of a replay: `records` (Q,) of dtype RECORD and `slates` (Q, k), best item first, -1 is none."""

    records: Records
    slates: Rows


def set_exam(events: Events, start: int, known_at: Times, withheld: Mask | None = None) -> Exam:
    """Asks for every wanted behaviour from row `start` on; of a `withheld` set, only for what was withheld."""
    asked = events.weights > 0
    asked[:start] = False
    if withheld is not None:
        asked &= withheld[events.items]
    return Exam(events, start, np.flatnonzero(asked).astype(np.int32), known_at, withheld)


def sampled(exam: Exam, n_queries: int | None, seed: int) -> Exam:
    """A random sample of the queries, so that means estimate those of the whole span; None asks all.

    Behaviours are drawn, not users: whole users would leave the hundreds of queries of a few to decide.
    """
    if n_queries is None or n_queries >= len(exam.queries):
        return exam
    drawn = np.random.default_rng(seed).choice(exam.queries, n_queries, replace=False)
    return replace(exam, queries=np.sort(drawn))


def replay(scorer: Scorer, exam: Exam, mode: Mode, k: int = 10) -> dict[Track, Outcome]:
    """Fits and asks. Queries of one user stand together, which changes nothing but the speed."""
    histories = Histories(exam.events)
    sheets = {track: _Sheet(len(exam.queries), k) for track in Track}
    for fitted_until, places in _legs(exam, mode):
        scorer.fit(_lesson(exam, fitted_until))
        for place, history, scores in _answers(scorer, exam, histories, places, mode):
            _mark(sheets, exam, place, history, scores)
    return {track: sheet.outcome() for track, sheet in sheets.items()}


class Histories:
    """Every user's behaviours as one slice: asking for a past copies nothing."""

    def __init__(self, events: Events) -> None:
        order = np.argsort(events.users, kind="stable").astype(np.int32)
        self._events = events.take(order)
        self._starts = np.searchsorted(self._events.users, np.arange(events.n_users + 1))
        self._place = np.empty(len(events), dtype=np.int64)
        self._place[order] = np.arange(len(events))
        self._rows = order

    def until(self, row: int, now: float | None = None) -> History:
        """The past of the user of behaviour `row`, without that behaviour; `now` is its time unless given."""
        place = int(self._place[row])
        user = int(self._events.users[place])
        return self._history(user, place, float(self._events.at[place]) if now is None else now)

    def before(self, user: int, row: int, now: float) -> History:
        """The past of a user as far as it lies before `row` of all events."""
        begin, end = self._starts[user : user + 2]
        return self._history(user, int(begin + np.searchsorted(self._rows[begin:end], row)), now)

    def _history(self, user: int, end: int, now: float) -> History:
        part, events = slice(int(self._starts[user]), end), self._events
        return History(user, events.items[part], events.at[part], events.weights[part], events.types[part], now)


class _Sheet:
    """Where the answers of one track are written down."""

    def __init__(self, n_queries: int, k: int) -> None:
        self._records: Records = np.zeros(n_queries, dtype=RECORD)
        self._slates = np.full((n_queries, k), -1, dtype=np.int32)
        self._asked = np.zeros(n_queries, dtype=np.bool_)

    def write(self, place: int, record: tuple[float, ...], slate: Rows) -> None:
        self._records[place] = record
        self._slates[place, : len(slate)] = slate
        self._asked[place] = True

    @property
    def k(self) -> int:
        return int(self._slates.shape[1])

    def outcome(self) -> Outcome:
        return Outcome(self._records[self._asked], self._slates[self._asked])


def top(scores: Floats, candidates: Mask, k: int) -> Rows:
    """At most k candidates with a finite score, best first; among equals the lower number."""
    offered = np.flatnonzero(candidates & np.isfinite(scores))
    values = scores[offered]
    if len(offered) > k:
        # ties at the edge are all kept for the sort below, so that their order does not hang on the partition
        edge = np.partition(values, -k)[-k]
        offered, values = offered[values >= edge], values[values >= edge]
    return offered[np.argsort(-values, kind="stable")[:k]].astype(np.int32)


def _legs(exam: Exam, mode: Mode) -> Iterator[tuple[int, Rows]]:
    """(row that the fit may reach to, places of the queries until the next fit)."""
    rows = [exam.start]
    if mode is Mode.REFITTED:
        begin, end = exam.events.at[exam.start], exam.events.at[-1]
        rows += [exam.events.row_at(moment) for moment in np.linspace(begin, end, 11)[1:-1]]
    bounds = [*sorted(set(rows)), len(exam.events)]
    for fitted_until, end in pairwise(bounds):
        first, last = np.searchsorted(exam.queries, [fitted_until, end])
        if first < last:
            yield fitted_until, np.arange(first, last, dtype=np.int32)


def _lesson(exam: Exam, fitted_until: int) -> Events:
    past = exam.events.take(slice(0, fitted_until))
    return past if exam.withheld is None else without_items(past, exam.withheld)


def _answers(
    scorer: Scorer, exam: Exam, histories: Histories, places: Rows, mode: Mode
) -> Iterator[tuple[int, History, Floats]]:
    """(place of the query, the user's true past, scores); in a frozen profile one score serves all of a user."""
    rows = exam.queries[places]
    by_user = np.argsort(exam.events.users[rows], kind="stable")
    began, user, scores = float(exam.events.at[exam.start]), -1, np.empty(0, dtype=np.float32)
    for place, row in zip(places[by_user].tolist(), rows[by_user].tolist(), strict=True):
        history = histories.until(row)
        if mode is not Mode.FROZEN:
            scores = scorer.score(history)
        elif history.user != user:
            user = history.user
            scores = scorer.score(histories.before(user, exam.start, began))
        yield place, history, scores


def _mark(sheets: dict[Track, _Sheet], exam: Exam, place: int, history: History, scores: Floats) -> None:
    query = int(exam.queries[place])
    item = int(exam.events.items[query])
    candidates = exam.known_at <= history.now
    _write(sheets[Track.REPEATS], place, (query, item), history, scores, candidates)
    candidates[history.items] = False
    if candidates[item]:
        _write(sheets[Track.NEW], place, (query, item), history, scores, candidates)


def _write(
    sheet: _Sheet, place: int, asked: tuple[int, int], history: History, scores: Floats, candidates: Mask
) -> None:
    query, item = asked
    rank = mid_rank(scores, item, candidates)
    counts = int(np.count_nonzero(candidates)), len(history.items)
    sheet.write(place, (query, history.user, item, history.now, rank, *counts), top(scores, candidates, sheet.k))
