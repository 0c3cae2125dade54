"""What a user turns to and away from: facets whose share of attention the catalogue does not explain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from math import log, sqrt
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.item import label_of
from app.domain.profile import Horizon, Interest, Trend
from app.profiles.attention import Attention, Ints, attention_of, facet_name
from app.profiles.cut import NARROW, cut
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.state import State, Tally
from app.profiles.sums import Floats

N_INTERESTS = 12
N_AVOIDS = 6
MIN_SHARE = 0.02
# A single behaviour makes a line where it is at least this share of all, and of a narrow step above.
ALONE = 0.1
ALONE_BELOW = 0.5
# A brand or another attribute is worth a line only when it is a habit of its own beside the categories.
N_ATTRIBUTES = 2
ATTRIBUTE_SHARE = 0.25
ATTRIBUTE_LIFT = 1.5
ATTRIBUTE_N = 3
# Attention taken as given: about one item's, spread like the catalogue.
PRIOR = 1.0
# Added to ln(share / base): down to half of what the catalogue lets expect, a facet is still worth a line.
COMMON = log(2)
# The short horizon reaches this many short half-lives back: 1/16 is left by then.
SHORT_REACH = 4
# What makes a trend: half as much again as expected, and more than chance. The noise is that of half an item.
CHANGE = 1.5
RISING_FROM = 1.0
FALLING_FROM = -1.0
TREND_NOISE = 0.5


def interests_of(
    state: State, catalogue: Catalogue, space: ItemSpace, half_lives: HalfLives, now: float
) -> tuple[tuple[Interest, ...], tuple[Interest, ...]]:
    """Interests and avoids, the most telling first; `now` in seconds since 1970.

    What tells most is share * ln(2 share / base): the facet's part of the relative entropy between user and
    catalogue, and of the plain share.
    """
    of = attention_of(state, catalogue, space, half_lives, now)
    if of is None:
        return (), ()
    away = of.refused >= np.maximum(of.long, 1e-9)  # as much refused as sought is no interest
    sought = _lines(of, _Side(of.long, of.total_long, attrgetter("n_positive"), ~away), N_INTERESTS)
    shunned = _lines(of, _Side(of.refused, of.total_refused, attrgetter("n_negative"), away), N_AVOIDS)
    horizon_at = of.at - SHORT_REACH * half_lives.short_days * DAY_S

    def told(line: _Line, trend: Trend) -> Interest:
        facet = facet_name(catalogue, space, int(of.facets[line.place]))
        return Interest(
            facet=facet,
            label=label_of(facet),
            weight=line.share,
            horizon=_horizon(line, horizon_at),
            trend=trend,
            n_evidence=line.n,
            last_at=datetime.fromtimestamp(line.last_at, UTC),
            n_purchases=line.n_purchases,
        )

    return (
        tuple(told(line, _trend(of, line)) for line in sought),
        tuple(told(line, "steady") for line in shunned),
    )


class _Side(NamedTuple):
    """One way to look at the facets: (F,) values and their total, behaviours per item, (F,) facets in question."""

    values: Floats
    total: float
    n_of: Callable[[Tally], int]
    open: NDArray[np.bool_]


class _Line(NamedTuple):
    """A facet that gets a line: its place in `Attention`, its share, and what stands behind it."""

    place: int
    share: float
    n: int
    first_at: float
    last_at: float
    n_purchases: int


def _lines(of: Attention, side: _Side, limit: int) -> list[_Line]:
    if side.total <= 0:
        return []
    share = side.values / side.total
    counts = np.array([side.n_of(tally) for tally in of.tallies])
    n = np.bincount(of.pair_facets, counts[of.pair_items], len(share)).astype(np.int64)
    expected = (side.values + PRIOR * of.base) / (side.total + PRIOR)
    lift = expected / of.base
    gains = expected * (np.log(lift) + COMMON)
    telling = side.open & (gains > 0) & (share >= MIN_SHARE) & _supported(of, share, n) & ~_vague(of, lift)
    habits = telling & (of.depths == 0) & (share >= ATTRIBUTE_SHARE) & (lift >= ATTRIBUTE_LIFT) & (n >= ATTRIBUTE_N)
    order = np.argsort(-gains, kind="stable")
    steps = order[cut(share, of.base, telling, of.parents, of.depths)[order]]
    places = np.concatenate([order[habits[order]][:N_ATTRIBUTES], steps])[:limit]
    places = places[np.argsort(-gains[places], kind="stable")]
    return _backed(of, places, share, n, counts)


def _supported(of: Attention, share: Floats, n: Ints) -> NDArray[np.bool_]:
    """A single behaviour speaks for a facet only where it is a good part of all there is."""
    above = (of.parents >= 0) & (of.base[of.parents] <= NARROW)
    alone = np.where(above, np.maximum(ALONE, ALONE_BELOW * share[of.parents]), ALONE)
    supported: NDArray[np.bool_] = n > np.where(share >= alone, 0, 1)
    return supported


def _vague(of: Attention, lift: Floats) -> NDArray[np.bool_]:
    """A wide category that has steps below says something only where it is sought more than others."""
    has_steps = np.zeros(len(lift), dtype=np.bool_)
    has_steps[of.parents[of.parents >= 0]] = True
    vague: NDArray[np.bool_] = has_steps & (of.base > NARROW) & (lift < 1.0)
    return vague


def _backed(of: Attention, places: Ints, share: Floats, n: Ints, counts: Ints) -> list[_Line]:
    """Adds the first and the last time of the items behind each facet, and how often they were bought."""
    slots = np.full(len(share), -1)
    slots[places] = np.arange(len(places))
    mine = slots[of.pair_facets]
    pairs = np.flatnonzero((mine >= 0) & (counts[of.pair_items] > 0))
    mine, items = mine[pairs], of.pair_items[pairs]
    first = np.full(len(places), np.inf)
    last = np.full(len(places), -np.inf)
    np.minimum.at(first, mine, of.first_at[items])
    np.maximum.at(last, mine, of.last_at[items])
    bought = np.array([tally.n_purchases for tally in of.tallies])
    n_purchases = np.bincount(mine, bought[items], len(places)).astype(np.int64)
    columns = (places, share[places], n[places], first, last, n_purchases)
    return [_Line._make(line) for line in zip(*(column.tolist() for column in columns), strict=True)]


def _horizon(line: _Line, horizon_at: float) -> Horizon:
    if line.first_at >= horizon_at:
        return "short"
    return "both" if line.last_at >= horizon_at else "long"


def _trend(of: Attention, line: _Line) -> Trend:
    """Compares the short horizon with what the long one lets expect, in spreads of a count (Poisson)."""
    seen = float(of.short[line.place])
    expected = line.share * of.total_short
    lead = (seen - expected) / sqrt(expected + TREND_NOISE)
    if lead >= RISING_FROM and seen >= CHANGE * expected:
        return "rising"
    return "falling" if lead <= FALLING_FROM and seen * CHANGE <= expected else "steady"
