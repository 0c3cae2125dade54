"""Whether what people turn to is moving: the last week beside the month before, and beside how weeks differ anyway.

The distance is the Jensen-Shannon divergence (Lin 1991). What it is without any drift is told by the month itself: as
many of its days drawn as the week has, beside its other days. Days are drawn whole, since behaviours of one day hang
together; single ones would make every promotion of a day a drift.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Rows

N_RECENT_DAYS = 7
N_BEFORE_DAYS = 28
# Fewer days with behaviours in the month say nothing about how weeks differ.
LEAST_DAYS = 14
# Fewer behaviours on either side prove nothing.
LEAST_BEHAVIORS = 200
N_DRAWS = 200
# Of the weeks drawn from the month so many lie below what is called drift.
CONFIDENCE = 0.99
# An item has moved when its share is twice or half of what it was, and by more than chance (spreads of a count).
TIMES, SPREADS = 2.0, 3.0
# Where less of the week fell to such items a new model would hardly answer otherwise. Looked at every two weeks, the
# divergence alone called 32 % of a grocer's weeks a drift (6 % had moved) and 86 % of those of film ratings (22 %).
LEAST_MOVED = 0.1

Floats = NDArray[np.float64]


class Shift(NamedTuple):
    """`bits` between the week and the month before, `usual` what .99 of weeks stay below without drift, and `moved` the
    share of the week's behaviours that fell to items (or categories) whose popularity has changed.
    """

    bits: float
    usual: float
    moved: float

    @property
    def drifting(self) -> bool:
        """It is worth learning again."""
        return self.bits > self.usual and self.moved >= LEAST_MOVED


def shift_of(items: Rows, days: NDArray[np.int64], counts: NDArray[np.int64], seed: int = 1) -> Shift | None:
    """(N,) item or category numbers, whole days since 1970, and how many behaviours each had on that day, in any order.

    The week ends with the last day. None where there is too little to tell.
    """
    if not len(days):
        return None
    by_day = _by_day(items, days, counts)
    week, month = by_day[N_BEFORE_DAYS:], by_day[:N_BEFORE_DAYS]
    month = month[month.sum(axis=1) > 0]
    if len(month) < LEAST_DAYS or min(week.sum(), month.sum()) < LEAST_BEHAVIORS:
        return None
    recent, before = week.sum(axis=0), month.sum(axis=0)
    return Shift(_bits(recent, before), _usual(month, np.random.default_rng(seed)), _moved(recent, before))


def _by_day(items: Rows, days: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
    """(28 + 7, V) behaviours on the items that occur in these days."""
    places = days - (int(days.max()) - N_BEFORE_DAYS - N_RECENT_DAYS + 1)
    kept = places >= 0
    known, columns = np.unique(items[kept], return_inverse=True)
    shape = (N_BEFORE_DAYS + N_RECENT_DAYS, len(known))
    flat = np.bincount(places[kept] * shape[1] + columns, counts[kept], shape[0] * shape[1])
    return np.asarray(flat.reshape(shape), dtype=np.float64)


def _usual(month: Floats, rng: np.random.Generator) -> float:
    """A week has a quarter of the month's days at most."""
    n_days = min(N_RECENT_DAYS, len(month) // 4)
    total = month.sum(axis=0)
    found = []
    for _ in range(N_DRAWS):
        drawn = month[rng.choice(len(month), n_days, replace=False)].sum(axis=0)
        found.append(_bits(drawn, total - drawn))
    return float(np.quantile(found, CONFIDENCE))


def _moved(recent: Floats, before: Floats) -> float:
    expected = before * recent.sum() / before.sum()
    noise = np.sqrt(expected * (1.0 + recent.sum() / before.sum()) + 1.0)
    has = (np.maximum(recent, expected) >= TIMES * np.minimum(recent, expected)) & (
        np.abs(recent - expected) >= SPREADS * noise
    )
    return float(recent[has].sum() / recent.sum())


def _bits(one: Floats, other: Floats) -> float:
    one, other = one / max(one.sum(), 1e-300), other / max(other.sum(), 1e-300)
    return float((_entropy((one + other) / 2) - (_entropy(one) + _entropy(other)) / 2) / np.log(2))


def _entropy(shares: Floats) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())
