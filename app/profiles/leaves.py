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
    known = np.flatnonzero(rows >= 0)
    is_leaf = catalogue.are_leaves[rows[known]]
    places, slots = np.nonzero(is_leaf)
    numbers = catalogue.item_facets[rows[known[places]], slots]
    return Leaves(known[places], numbers.astype(np.int64), 1.0 / is_leaf.sum(axis=1)[places])
