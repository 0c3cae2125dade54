"""Which steps of the category paths a person would name: not `grocery`, not `2 liter bottle carbonated`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.profiles.sums import Floats

# At a twentieth of the catalogue a category is a word that tells; below it more steps only get longer.
NARROW = 0.05
# A wide category steps back where its telling steps below hold this much of its attention.
ENOUGH = 1 / 3


def cut(
    share: Floats, base: Floats, telling: NDArray[np.bool_], parents: NDArray[np.int64], depths: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(F,) true for at most one facet on every path down the trees; facets of depth 0 are in no tree.

    Goes up from the deepest step: a narrow category speaks for all below it, a wide one only where they cannot.
    """
    whole = telling & (depths > 0)
    spoken = np.where(whole, share, 0.0)
    deepest = int(depths.max(initial=0))
    for depth in range(deepest - 1, 0, -1):
        below = np.flatnonzero((depths == depth + 1) & (parents >= 0))
        of_steps = np.bincount(parents[below], spoken[below], len(share))
        here = depths == depth
        whole[here & (base > NARROW) & (of_steps >= ENOUGH * share) & (of_steps > 0)] = False
        spoken = np.where(here & ~whole, of_steps, spoken)
    covered = np.zeros(len(share), dtype=np.bool_)
    for depth in range(2, deepest + 1):
        below = np.flatnonzero((depths == depth) & (parents >= 0))
        covered[below] = covered[parents[below]] | whole[parents[below]]
    return whole & ~covered
