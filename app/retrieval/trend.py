"""What is popular just now: decayed counts with half-lives of a day, a week, a month and a year."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Rows
from app.domain.item import path_of
from app.domain.recommendation import Reason
from app.profiles.decay import DAY_S, fade
from app.retrieval.artifact import Arrays, Positions
from app.retrieval.base import NOTHING, Floats, Log, Query, Scored
from app.retrieval.caps import capped
from app.retrieval.select import first_allowed

HALF_LIVES_DAYS = (1.0, 7.0, 30.0, 365.0)
SPANS = ((7, " this week"), (7, " this week"), (30, " this month"), (365, " this year"))
# Of these half-lives the ranker sees the shares apart: not the year.
N_RECENT = 3
# The newest share of the log decides how fast this catalogue turns.
HELD_OUT = 0.05
N_ROUNDS = 30
# What was popular over the year is never worth nothing, even when all that came last was new.
LEAST_OF_YEAR = 0.05
# With so many behaviours in the log a count is worth half of what it says.
FEW = 100


def fit(log: Log) -> Arrays:
    """`counts` (H, P): decayed counts at `until`, the last moment of the log; a user counts once per item and day.

    `first_at` (P,): when each item was turned to first. `mixture` (H,): how much each half-life says about what comes
    next, less than 1 together. Fixed thirds of 1, 7 and 30 days found NDCG@10 .004 where the learned mixture finds .023
    (IFDB: a year counts), and the same where releases drive.
    """
    counted = capped(log)
    items, at = counted.items, counted.at
    n = len(log.item_ids)
    first_at = np.full(n, np.inf)
    np.minimum.at(first_at, items, at)
    return {
        "counts": _counts(items, log.at[-1] - at, n).astype(np.float32),
        "mixture": _mixture(items, at, n),
        "until": log.at[-1:],
        "first_at": first_at,
    }


def _counts(items: NDArray[np.int32], ages: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    return np.stack([np.bincount(items, fade(ages, days), minlength=n) for days in HALF_LIVES_DAYS])


def _mixture(items: NDArray[np.int32], at: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Expectation maximisation over the newest behaviours, with an even chance for every item beside the H."""
    n_known = len(items) - int(HELD_OUT * len(items))
    shares = _shares(_counts(items[:n_known], at[n_known - 1] - at[:n_known], n))
    chances = np.vstack([shares, np.full((1, n), 1 / n)])[:, items[n_known:]]
    weights = np.full(len(chances), 1 / len(chances))
    for _ in range(N_ROUNDS if chances.size else 0):
        parts = weights[:, None] * chances
        weights = (parts / parts.sum(axis=0)).mean(axis=1)
    weights[-2] = max(weights[-2], LEAST_OF_YEAR)
    known: NDArray[np.float64] = weights[:-1] / max(weights.sum(), 1.0) * len(items) / (len(items) + FEW)
    return known


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    return shares


def _by_row(positions: Positions, values: NDArray[np.float64], n_rows: int) -> NDArray[np.float64]:
    result = np.full(n_rows + 1, np.nan)
    known = positions.rows >= 0
    result[positions.rows[known]] = values[known]
    return result


class Trend:
    name = "trend"

    def __init__(self, arrays: Arrays, positions: Positions, catalogue: Catalogue) -> None:
        counts = np.asarray(arrays["counts"], dtype=np.float64)
        parts = arrays["mixture"][:, None] * _shares(counts)
        shares = parts.sum(axis=0)
        known = np.flatnonzero((positions.rows >= 0) & (shares > 0))
        order = known[np.argsort(-shares[known], kind="stable")]
        self._rows: Rows = positions.rows[order]
        self._scores: Floats = shares[order].astype(np.float32)
        # The number of the half-life by which half of the score is reached: what it is popular by.
        spans = (parts.cumsum(axis=0) < shares / 2).sum(axis=0)
        self._span_of = dict(zip(self._rows.tolist(), spans[order].tolist(), strict=True))
        self._confidence = float(arrays["mixture"].sum())
        self._until = float(arrays["until"][0])
        self._catalogue = catalogue
        # By row, and NaN in the last place, which stands for items that no log knows.
        self._share_of = _by_row(positions, shares, catalogue.n_rows)
        self._first_at = _by_row(positions, np.asarray(arrays["first_at"]), catalogue.n_rows)
        self._shares = [_by_row(positions, part, catalogue.n_rows) for part in _shares(counts)[:N_RECENT]]

    def score(self, query: Query) -> Scored:
        """Shares of all that is allowed: a popular list knows how little its top says in a large catalogue."""
        total = float(self._scores @ query.allowed[self._rows])
        if total <= 0:
            return NOTHING
        best = first_allowed(self._rows, query.allowed, query.n)
        scale = np.float32(self._confidence / total)
        return Scored(self._rows[best], self._scores[best] * scale, lambda rows: self.share_of(rows) * scale)

    def share_of(self, rows: Rows) -> Floats:
        """(N,) the share of everybody's attention, NaN for items that no log knows."""
        return self._share_of[self._places(rows)].astype(np.float32)

    def lately(self, rows: Rows) -> Floats:
        """(3, N) the share of everybody's attention in the last day, week and month, NaN as in `share_of`."""
        places = self._places(rows)
        return np.stack([share[places] for share in self._shares]).astype(np.float32)

    def first_at(self, rows: Rows) -> NDArray[np.float64]:
        """(N,) when somebody turned to the item first (seconds since 1970)."""
        return self._first_at[self._places(rows)]

    def _places(self, rows: Rows) -> Rows:
        n = len(self._share_of) - 1
        return np.where((rows >= 0) & (rows < n), rows, n)

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        return [self._reason(query, row) for row in rows.tolist()]

    def _reason(self, query: Query, row: int) -> Reason:
        place = next((path_of(category)[0] for category in self._catalogue.items[row].categories), "")
        text = "Popular" + self._lately(query, row) + (f" in {place}" if place else "")
        return Reason("popular", text, (place,) if place else ())

    def _lately(self, query: Query, row: int) -> str:
        """Nothing is said of a span that the log does not reach into."""
        days, words = SPANS[self._span_of[row]]
        return words if 0 <= query.now - self._until < days * DAY_S else ""
