"""The narrowest categories of items: what remains of their paths when every step above is left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Rows


class Leaves(NamedTuple):
    """E pairs of item and category: `places` among the rows asked for, `facets` by catalogue number, and the `shares`
    of the item that fall to each, alike for all of its categories.
    """

    places: NDArray[np.int64]
    facets: NDArray[np.int64]
    shares: NDArray[np.float64]


def leaves_of(catalogue: Catalogue, rows: Rows) -> Leaves:
    """(N,) rows -> the pairs in order of place; an item without a category, or of row -1, has none."""
    numbers = np.where((rows >= 0)[:, None], catalogue.item_facets[rows], -1) if catalogue.n_rows else _none(rows)
    is_leaf = numbers >= 0
    is_leaf[is_leaf] = catalogue.tree.depths[numbers[is_leaf]] > 0
    parents = np.where(is_leaf, np.append(catalogue.tree.parents, -1)[numbers], -1)
    for slot in range(numbers.shape[1]):
        is_leaf &= numbers != parents[:, slot, None]
    places, slots = np.nonzero(is_leaf)
    n_each = is_leaf.sum(axis=1)
    return Leaves(places, numbers[places, slots].astype(np.int64), 1.0 / n_each[places])


def _none(rows: Rows) -> NDArray[np.int32]:
    return np.full((len(rows), 1), -1, dtype=np.int32)
