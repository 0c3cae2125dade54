"""What a user turns to and away from: facets whose share of attention the catalogue does not explain."""

from __future__ import annotations

from datetime import UTC, datetime
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.item import label_of
from app.domain.profile import Horizon, Interest, Trend
from app.profiles.attention import Attention, Ints, attention_of, facet_name
from app.profiles.cut import cut
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.state import State
from app.profiles.sums import Floats

N_INTERESTS = 12
N_AVOIDS = 6
N_ATTRIBUTES = 2
MIN_SHARE = 0.02
# A brand or another attribute is worth a line only when it is a habit of its own beside the categories.
ATTRIBUTE_SHARE = 0.25
ATTRIBUTE_LIFT = 1.5
# Attention taken as given: about one item's, spread like the catalogue.
PRIOR = 1.0
# What a line of the profile costs, in nats; without it heavy users would be told in the finest steps only.
LINE_COST = 0.02
# Keeps a facet that all items carry just above nothing, so that a catalogue of one category has a profile too.
COMMON = 0.01
# The short horizon reaches this many short half-lives back: 1/16 is left by then.
SHORT_REACH = 4
# The short sums beside what the long horizon lets expect, in spreads of a count; the noise is that of half an item.
RISING_FROM = 0.8
FALLING_FROM = -0.6
TREND_NOISE = 0.5


def interests_of(
    state: State, catalogue: Catalogue, space: ItemSpace, half_lives: HalfLives, now: float
) -> tuple[tuple[Interest, ...], tuple[Interest, ...]]:
    """Interests and avoids, the most telling first; `now` in seconds since 1970.

    What tells most is the facet's part of the relative entropy between user and catalogue, share * ln(share / base).
    """
    attention = attention_of(state, catalogue, space, half_lives, now)
    if attention is None:
        return (), ()
    horizon_at = attention.at - SHORT_REACH * half_lives.short_days * DAY_S
    teller = _Teller(attention, catalogue, space, horizon_at)
    return teller.interests(), teller.avoids()


class _Teller:
    """Picks facets of one user and tells them as interests or avoids."""

    def __init__(self, attention: Attention, catalogue: Catalogue, space: ItemSpace, horizon_at: float) -> None:
        self._of = attention
        self._catalogue = catalogue
        self._space = space
        self._horizon_at = horizon_at
        # As much refused as sought is no interest.
        self._turned_away = attention.refused >= np.maximum(attention.long, 1e-9)

    def interests(self) -> tuple[Interest, ...]:
        of = self._of
        gains = _gains(of.long, of.total_long, of.base)
        share = of.long / (of.total_long or 1.0)
        wanted = (share >= MIN_SHARE) & (gains > 0) & ~self._turned_away
        picked = _picked(of, gains, share, wanted)
        backing = _backing(of, picked, np.array([tally.n_positive for tally in of.tallies]))
        return tuple(
            self._tell(place, float(share[place]), _trend(of, place), one)
            for place, one in zip(picked.tolist(), backing, strict=True)
        )

    def avoids(self) -> tuple[Interest, ...]:
        of = self._of
        gains = _gains(of.refused, of.total_refused, of.base)
        share = of.refused / (of.total_refused or 1.0)
        picked = _picked(of, gains, share, (share >= MIN_SHARE) & self._turned_away & (of.refused > 0))[:N_AVOIDS]
        backing = _backing(of, picked, np.array([tally.n_negative for tally in of.tallies]))
        return tuple(
            self._tell(place, float(share[place]), "steady", one)
            for place, one in zip(picked.tolist(), backing, strict=True)
        )

    def _tell(self, place: int, share: float, trend: Trend, backing: _Backing) -> Interest:
        facet = facet_name(self._catalogue, self._space, int(self._of.facets[place]))
        return Interest(
            facet=facet,
            label=label_of(facet),
            weight=round(share, 4),
            horizon=self._horizon(backing),
            trend=trend,
            n_evidence=backing.n,
            last_at=datetime.fromtimestamp(backing.last_at, UTC),
        )

    def _horizon(self, backing: _Backing) -> Horizon:
        if backing.last_at < self._horizon_at:
            return "long"
        return "short" if backing.first_at >= self._horizon_at else "both"


class _Backing(NamedTuple):
    """How many behaviours stand behind a facet, and when the first and the last of them were."""

    n: int
    first_at: float
    last_at: float


def _gains(sums: Floats, total: float, base: Floats) -> Floats:
    """(F,) what each facet adds to the relative entropy, in nats; negative for less than the catalogue explains."""
    share = (sums + PRIOR * base) / (total + PRIOR)
    gains: Floats = share * np.log(share / base * (1 + COMMON))
    return gains


def _picked(of: Attention, gains: Floats, share: Floats, wanted: NDArray[np.bool_]) -> Ints:
    """Places of the facets to tell, the most telling first: a cut through the categories, and strong attributes."""
    in_cut = cut(np.where(wanted, gains, 0.0), of.parents, of.depths, LINE_COST) & wanted
    strong = (of.depths == 0) & wanted & (share >= ATTRIBUTE_SHARE) & (share >= ATTRIBUTE_LIFT * of.base)
    categories = _by_gain(np.flatnonzero(in_cut), gains)
    attributes = _by_gain(np.flatnonzero(strong), gains)[:N_ATTRIBUTES]
    return _by_gain(np.concatenate([categories[: N_INTERESTS - len(attributes)], attributes]), gains)


def _by_gain(places: Ints, gains: Floats) -> Ints:
    return places[np.lexsort((places, -gains[places]))]


def _backing(of: Attention, picked: Ints, counts: NDArray[np.integer]) -> list[_Backing]:
    firsts = np.array([tally.first_at for tally in of.tallies])
    result = []
    for place in picked.tolist():
        items = of.pair_items[of.pair_facets == place]
        items = items[counts[items] > 0]
        result.append(_Backing(int(counts[items].sum()), float(firsts[items].min()), float(of.last_at[items].max())))
    return result


def _trend(of: Attention, place: int) -> Trend:
    """Its share of the short horizon beside that of the long one, by more than chance of a few items allows."""
    expected = of.total_short * of.long[place] / of.total_long
    lead = float(of.short[place] - expected) / sqrt(expected + TREND_NOISE)
    if lead >= RISING_FROM:
        return "rising"
    return "falling" if lead <= FALLING_FROM else "steady"
