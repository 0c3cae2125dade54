"""How a user's attention lies over facets, beside how the catalogue does.

Items are read against the catalogue at this moment, so an item that arrives or is edited counts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Rows
from app.profiles.decay import HalfLives
from app.profiles.state import State, Tally
from app.profiles.sums import Floats, last_at, sums_at

Ints = NDArray[np.int64]

# Up to so many facets counting them beats sorting the 2,000 pairs of a user with 400 items.
COUNTED = 50_000


@dataclass(frozen=True, slots=True)
class Attention:
    """N items that the catalogue knows, F facets among them, E pairs (item, facet).

    `long`, `short` and `refused` are per facet the sums over items of log(1 + decayed weights): the tenth purchase
    of one item says less than the first of another. `at` is when the user last did something: while they are away,
    the profile stands still.
    """

    at: float
    tallies: list[Tally]  # N
    first_at: Floats  # (N,)
    last_at: Floats  # (N,)
    pair_items: Ints  # (E,) places among the N
    pair_facets: Ints  # (E,) places among the F
    facets: Ints  # (F,) catalogue numbers, ascending; clusters come after all of them
    parents: Ints  # (F,) place of the step above, -1 where there is none
    depths: Ints  # (F,) 0 for attributes
    base: Floats  # (F,) share of the catalogue's items that carry it
    long: Floats  # (F,)
    short: Floats  # (F,)
    refused: Floats  # (F,)
    total_long: float
    total_short: float
    total_refused: float


def attention_of(
    state: State, catalogue: Catalogue, space: ItemSpace, half_lives: HalfLives, now: float
) -> Attention | None:
    """None while no item of the user is known. Nothing decays past `now`, in seconds since 1970."""
    rows = catalogue.rows(state.items)
    known = np.flatnonzero(rows >= 0)
    if not known.size:
        return None
    tallies = list(state.items.values())
    if known.size < len(tallies):
        tallies, rows = [tallies[place] for place in known.tolist()], rows[known]
    times = last_at(tallies)
    at = min(now, float(times.max()))
    sums = sums_at(tallies, at, half_lives)
    items, numbers = _pairs(catalogue, space, rows)
    facets, places = _distinct(numbers)
    long = np.log1p(np.maximum(sums.long - sums.negative, 0.0))
    short, refused = np.log1p(sums.short), np.log1p(sums.negative)
    n = len(facets)
    parents, depths, base = _above(catalogue, space, facets)
    return Attention(
        at,
        tallies,
        np.array([tally.first_at for tally in tallies]),
        times,
        items,
        places,
        facets,
        parents,
        depths,
        base,
        _summed(places, long[items], n),
        _summed(places, short[items], n),
        _summed(places, refused[items], n),
        float(long.sum()),
        float(short.sum()),
        float(refused.sum()),
    )


def _summed(places: Ints, values: Floats, n: int) -> Floats:
    return np.bincount(places, values, n).astype(np.float64)


def facet_name(catalogue: Catalogue, space: ItemSpace, number: int) -> str:
    """The facet behind a number of `Attention.facets`."""
    if number < len(catalogue.facets):
        return catalogue.facets[number]
    return "cluster:" + space.cluster_label(number - len(catalogue.facets))


def _pairs(catalogue: Catalogue, space: ItemSpace, rows: Rows) -> tuple[Ints, Ints]:
    """(E,) places of items and (E,) facet numbers; an item without a category stands in its interest cluster."""
    numbers = catalogue.item_facets[rows].astype(np.int64)
    items, slots = np.nonzero(numbers >= 0)
    flat = numbers[items, slots]
    in_category = np.zeros(len(rows), dtype=np.bool_)
    in_category[items[catalogue.tree.depths[flat] > 0]] = True
    if in_category.all():
        return items, flat
    lonely = np.flatnonzero(~in_category)
    clusters = space.clusters(rows[lonely]).astype(np.int64)
    has = clusters >= 0
    return np.concatenate([items, lonely[has]]), np.concatenate([flat, clusters[has] + len(catalogue.facets)])


def _distinct(numbers: Ints) -> tuple[Ints, Ints]:
    """`np.unique` with the inverse; counting takes a quarter of its time where numbers are not much above."""
    if not numbers.size or numbers.max() > COUNTED:
        facets, places = np.unique(numbers, return_inverse=True)
        return facets, places
    place_of = np.bincount(numbers)
    facets = np.flatnonzero(place_of)
    place_of[facets] = np.arange(len(facets))
    return facets, place_of[numbers]


def _above(catalogue: Catalogue, space: ItemSpace, facets: Ints) -> tuple[Ints, Ints, Floats]:
    tree = catalogue.tree
    n_named = int(np.searchsorted(facets, len(catalogue.facets)))
    named, clusters = facets[:n_named], facets[n_named:] - len(catalogue.facets)
    parents = np.full(len(facets), -1, dtype=np.int64)
    numbers = tree.parents[named]
    place = np.minimum(np.searchsorted(named, numbers), max(n_named - 1, 0))
    parents[:n_named] = np.where((numbers >= 0) & (named[place] == numbers), place, -1)
    depths = np.ones(len(facets), dtype=np.int64)
    depths[:n_named] = tree.depths[named]
    sizes = np.ones(len(facets))
    sizes[:n_named] = tree.sizes[named]
    if clusters.size:
        sizes[n_named:] = _cluster_sizes(catalogue, space)[clusters]
    return parents, depths, np.maximum(sizes, 1.0) / max(len(catalogue.row_of), 1)


_sizes: WeakKeyDictionary[Catalogue, tuple[str, int, Ints]] = WeakKeyDictionary()


def _cluster_sizes(catalogue: Catalogue, space: ItemSpace) -> Ints:
    """Items per cluster, counted once for each version of the space and number of rows."""
    version, n_rows, counts = _sizes.get(catalogue, ("", 0, np.empty(0, dtype=np.int64)))
    if (version, n_rows) != (space.version, catalogue.n_rows):
        clusters = space.clusters(np.arange(catalogue.n_rows, dtype=np.int32))
        counts = np.bincount(clusters[clusters >= 0], minlength=2**15)
        _sizes[catalogue] = (space.version, catalogue.n_rows, counts)
    return counts
