"""What carries a facet counts more, or less, than its score says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Rows
from app.ranking.filters import facet_numbers

Floats = NDArray[np.float32]


def factors_of(catalogue: Catalogue, rows: Rows, boosted: Mapping[str, float]) -> Floats:
    """(N,) the product of the factors of all facets that each row carries; facets nobody knows change nothing."""
    factors = np.ones(len(rows), dtype=np.float32)
    for facet, factor in boosted.items():
        carries = np.isin(catalogue.item_facets[rows], facet_numbers(catalogue, facet)).any(axis=1)
        factors[carries] *= factor
    return factors
