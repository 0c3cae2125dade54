"""Whether a difference is one: the paired bootstrap over users (Efron & Tibshirani 1993, ch. 13; Sakai, SIGIR 2006).

Users are drawn, not queries: the behaviours of one person hang together, and counting them as independent would make
the interval too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.domain.catalogue import Rows
from app.evaluation.metrics import Values

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over behaviours with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """A claim may be made."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much `ours` has over `theirs`: as a `difference`, and as a `lift`, relative to theirs (.08 is +8 %)."""

    difference: Interval
    lift: Interval
    n_users: int


def compare(ours: Values, theirs: Values, users: Rows, seed: int) -> Comparison:
    """Per-query values (Q,) of two systems on the same queries, in the same order, and whose queries they are.

    The lift is infinite or NaN where theirs is 0; of no queries, everything is NaN.
    """
    if not len(users):
        nothing = Interval(math.nan, math.nan, math.nan)
        return Comparison(nothing, nothing, 0)
    sums = np.stack([_by_user(values, users) for values in (ours, theirs, np.ones_like(ours))])  # (3, U)
    whole, drawn = sums.sum(axis=1), _resampled(sums, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Comparison(
            _interval((whole[0] - whole[1]) / whole[2], (drawn[0] - drawn[1]) / drawn[2]),
            _interval(whole[0] / whole[1] - 1.0, drawn[0] / drawn[1] - 1.0),
            sums.shape[1],
        )


def _by_user(values: Values, users: Rows) -> Values:
    _, place = np.unique(users, return_inverse=True)
    return np.asarray(np.bincount(place, weights=values), dtype=np.float64)


def _resampled(sums: Values, seed: int) -> Values:
    """(3, U) -> (3, RESAMPLES): sums over as many users as there are, drawn with replacement."""
    rng, n_users = np.random.default_rng(seed), sums.shape[1]
    drawn = [sums @ np.bincount(rng.integers(n_users, size=n_users), minlength=n_users) for _ in range(RESAMPLES)]
    return np.stack(drawn, axis=1)


def _interval(value: np.float64, drawn: Values) -> Interval:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(float(value), float(low), float(high))
