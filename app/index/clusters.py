"""Interest clusters: neighbourhoods of the item space, each with a name in people's words."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Vectors
from app.index.structures import on_one_thread

Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Clusters:
    """`centroids` (K, D) are unit vectors; no clusters at all where K is 0."""

    centroids: Vectors

    def nearest(self, vectors: Vectors) -> Numbers:
        """(N, D) -> (N,) number of the nearest cluster, -1 for a row of NaN or without any cluster."""
        if not len(self.centroids):
            return np.full(len(vectors), -1, dtype=np.int32)
        cosines = vectors @ self.centroids.T
        known = np.isfinite(cosines).all(axis=1)
        return np.where(known, np.nan_to_num(cosines, nan=-2.0).argmax(axis=1), -1).astype(np.int32)


def n_clusters(n_items: int) -> int:
    """sqrt(n / 2) within 8 and 256, and never more than there are items."""
    return min(n_items, int(np.clip(round(sqrt(n_items / 2)), 8, 256)))


def fit(vectors: Vectors) -> Clusters:
    """Spherical k-means over (N, D) distinct unit vectors; the same input gives the same clusters."""
    k = n_clusters(len(vectors))
    if not k:
        return Clusters(vectors)
    means: Any = on_one_thread().Kmeans(
        vectors.shape[1], k, niter=25, nredo=2, seed=1, spherical=True, min_points_per_centroid=1, verbose=False
    )
    means.train(np.ascontiguousarray(vectors))
    return Clusters(np.asarray(means.centroids, dtype=np.float32))
