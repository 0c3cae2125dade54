"""What kind of user somebody is: plain figures of what they did, and the nearest of the learned groups.

Training counts the figures for all users of a log, serving for one user's state; both take the same formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.profiles.decay import DAY_S
from app.profiles.fold import IMPRESSION
from app.profiles.leaves import Leaves
from app.profiles.state import State
from app.profiles.sums import Floats

FEATURES = (
    "behaviours", "per_day", "days", "span", "repeats", "clicks", "purchases", "top_category", "breadth", "weekends"
)  # fmt: skip
# Further out a user is no more of one kind; a single one cannot pull a centroid away.
FARTHEST = 3.0
# Fewer items have no breadth.
LEAST_ITEMS = 3
# A rate from nothing lies at 1 of 5, the share of weekend days at 2 of 7.
_RATE, _WEEK = 5.0, 7.0

Numbers = NDArray[np.int32]


class Counted(NamedTuple):
    """(U,) each. Days are those on which a user turned to some item for the first or the last time: a state keeps no
    others. `top` is the share of their items in the first of their categories, `breadth` as how many even ones their
    categories count; both are NaN for fewer than three items. `n_clicks` are views where there are no clicks.
    """

    n: Floats
    n_items: Floats
    n_days: Floats
    n_weekend_days: Floats
    span_days: Floats
    n_purchases: Floats
    n_clicks: Floats
    n_impressions: Floats
    top: Floats
    breadth: Floats


@dataclass(frozen=True, slots=True)
class Segments:
    """`centroids` (S, F) of features that are centred by `mean` and divided by `scale` (F,), 0 for one that tells
    nothing.
    """

    mean: Floats
    scale: Floats
    centroids: Floats
    names: tuple[str, ...]

    def nearest(self, features: Floats) -> Numbers:
        """(U, F) -> (U,) numbers of segments."""
        placed = self.place(features)
        distances = (self.centroids**2).sum(axis=1) - 2.0 * placed @ self.centroids.T
        return np.asarray(distances.argmin(axis=1), dtype=np.int32)

    def place(self, features: Floats) -> Floats:
        """(U, F) normalised; what is not known of a user lies in the middle."""
        known = (features - self.mean) / np.where(self.scale > 0, self.scale, np.inf)
        return np.asarray(np.clip(np.nan_to_num(known, nan=0.0), -FARTHEST, FARTHEST))

    def segment_of(self, state: State, leaves: Leaves) -> int:
        """The number of a user's segment, -1 for somebody who has not turned to any item; `leaves` of their items."""
        counted = counted_of(state, leaves)
        return -1 if counted is None else int(self.nearest(features_of(counted))[0])

    def name_of(self, segment: int) -> str | None:
        """None for a number of no segment."""
        return self.names[segment] if 0 <= segment < len(self.names) else None


def open_segments(arrays: Mapping[str, NDArray[Any]], words: Mapping[str, Any]) -> Segments:
    """Of what `training.segments` wrote."""
    mean, scale, centroids = (np.asarray(arrays[name], dtype=np.float64) for name in ("mean", "scale", "centroids"))
    return Segments(mean, scale, centroids, tuple(words["names"]))


def features_of(counted: Counted) -> Floats:
    """(U, F) by `FEATURES`, NaN where a user gives no answer."""
    n, n_days = np.maximum(counted.n, 1.0), np.maximum(counted.n_days, 1.0)
    columns = (
        np.log(n),
        np.log(n / n_days),
        np.log(n_days),
        np.log1p(counted.span_days),
        1.0 - counted.n_items / n,
        _rate(counted.n_clicks, counted.n_impressions),
        _rate(counted.n_purchases, counted.n_clicks),
        counted.top,
        np.log(counted.breadth),
        (counted.n_weekend_days + 2.0) / (counted.n_days + _WEEK),
    )
    return np.stack(columns, axis=1)


def _rate(part: Floats, whole: Floats) -> Floats:
    """Few of them say little; more than all is all (a purchase may come without a click)."""
    return np.where(whole > 0, (np.minimum(part, whole) + 1.0) / (whole + _RATE), np.nan)


def counted_of(state: State, leaves: Leaves) -> Counted | None:
    """One user, U = 1; None for somebody who has not turned to any item."""
    tallies = list(state.items.values())
    if not tallies:
        return None
    first = np.array([tally.first_at for tally in tallies])
    last = np.array([tally.last_at for tally in tallies])
    days = np.unique(np.concatenate([first, last]) // DAY_S)
    liked = np.array([tally.n_positive for tally in tallies], dtype=np.float64)
    top, breadth = spread(np.zeros(len(tallies), dtype=np.int64), liked, leaves, 1)
    counts = state.counts
    return Counted(
        n=_one(sum(tally.n for tally in tallies)),
        n_items=_one(len(tallies)),
        n_days=_one(len(days)),
        n_weekend_days=_one(float(is_weekend(days).sum())),
        span_days=_one((float(last.max()) - float(first.min())) / DAY_S),
        n_purchases=_one(sum(tally.n_purchases for tally in tallies)),
        n_clicks=_one(counts.get("click", 0) or counts.get("view", 0)),
        n_impressions=_one(counts.get(IMPRESSION, 0)),
        top=top,
        breadth=breadth,
    )


def _one(value: float) -> Floats:
    return np.array([float(value)])


def is_weekend(days: NDArray[Any]) -> NDArray[np.bool_]:
    """Days since 1970, which began on a Thursday."""
    return np.asarray((days + 3) % 7 >= 5)


def spread(users: NDArray[np.int64], liked: Floats, leaves: Leaves, n_users: int) -> tuple[Floats, Floats]:
    """`top` and `breadth` (U,) from the user of each item, how often they liked it, and its categories.

    The breadth is exp(entropy). log1p: the tenth time says less than the first of another item.
    """
    mass = np.log1p(liked)[leaves.places] * leaves.shares
    keys, place = np.unique(
        users[leaves.places] * (int(leaves.facets.max(initial=0)) + 1) + leaves.facets, return_inverse=True
    )
    of = keys // (int(leaves.facets.max(initial=0)) + 1)
    held = np.bincount(place, mass, len(keys))
    totals = np.bincount(of, held, n_users)
    shares = held / np.maximum(totals, 1e-300)[of]
    top = np.zeros(n_users)
    np.maximum.at(top, of, shares)
    entropy = np.bincount(of, -shares * np.log(np.maximum(shares, 1e-300)), n_users)
    n_items = np.bincount(users[leaves.places], np.where(liked[leaves.places] > 0, leaves.shares, 0.0), n_users)
    unknown = n_items < LEAST_ITEMS - 0.5
    return np.where(unknown, np.nan, top), np.where(unknown, np.nan, np.exp(entropy))
