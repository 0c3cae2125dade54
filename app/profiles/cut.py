"""Which steps of the category paths describe a user best: not `grocery`, not `thin crust 12 inch`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.profiles.sums import Floats


def cut(gains: Floats, parents: NDArray[np.int64], depths: NDArray[np.int64], cost: float) -> NDArray[np.bool_]:
    """(F,) true for the facets of the best cut through the trees.

    A node stays whole unless its children together gain more, each less `cost`: the tree cut model of Li & Abe,
    "Generalizing Case Frames Using a Thesaurus and the MDL Principle" (1998). Facets of depth 0 are in no tree.
    """
    best = np.maximum(gains - cost, 0.0)
    whole = depths > 0
    for depth in range(int(depths.max(initial=0)), 1, -1):
        below = np.flatnonzero((depths == depth) & (parents >= 0))
        split = np.bincount(parents[below], best[below], len(gains))
        whole &= split <= best
        best = np.maximum(best, split)
    covered = np.zeros(len(gains), dtype=np.bool_)
    for depth in range(2, int(depths.max(initial=0)) + 1):
        below = np.flatnonzero((depths == depth) & (parents >= 0))
        covered[below] = covered[parents[below]] | whole[parents[below]]
    return whole & ~covered
