"""A slate that is not the same thing twenty times: maximal marginal relevance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Vectors

# Many package sizes of one product read alike; half-whitened, other products rarely come nearer than this.
TWIN = 0.98
Floats = NDArray[np.float32]


def diversify(scores: Floats, vectors: Vectors, k: int, diversity: float) -> NDArray[np.int64]:
    """Places of the k chosen among N candidates (best first), in the order of the slate.

    Each time the highest (1 - diversity) x relevance - diversity x redundancy (Carbonell and Goldstein, 1998).
    Relevance is the logarithm of the score, from 1 for the best to 0 for the last. Redundancy is the greatest cosine
    with what is chosen, or the number of chosen twins where there are any, so that a second twin may come but no row
    of them. Candidates without a vector (NaN) resemble nobody. Equal values in order of place.
    """
    n = len(scores)
    if diversity <= 0 or n <= 1:
        return np.arange(min(k, n))
    known = np.nan_to_num(vectors, nan=0.0)
    gram = known @ known.T
    relevance = (1 - diversity) * relevance_of(scores)
    nearest, n_twins = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    chosen: list[int] = []
    value = relevance.copy()
    for _ in range(min(k, n)):
        place = int(value.argmax())
        chosen.append(place)
        relevance[place] = -np.inf
        np.maximum(nearest, gram[place], out=nearest)
        n_twins += gram[place] > TWIN
        value = relevance - diversity * np.maximum(nearest, n_twins)
    return np.array(chosen)


def relevance_of(scores: Floats) -> Floats:
    """(N,) scores > 0, best first -> 1 .. 0; all 1 where they are equal."""
    logs = np.log(np.maximum(scores, 1e-12))
    reach = float(logs[0] - logs[-1])
    result: Floats = (logs - logs[-1]) / reach if reach > 0 else np.ones_like(logs)
    return result
