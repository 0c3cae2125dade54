"""Half-whitening: what all items have in common stops drowning what tells them apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.domain.catalogue import Vectors


@dataclass(frozen=True, slots=True)
class Whitening:
    """x -> (x - mean) @ matrix, renormalised. `mean` is (D,), `matrix` (D, D)."""

    mean: Vectors
    matrix: Vectors

    def apply(self, raw: Vectors) -> Vectors:
        """(N, D) -> (N, D) unit vectors; rows of NaN where the input is not finite or has no direction."""
        centred: Vectors = np.asarray(raw, dtype=np.float32) - self.mean
        return unit(np.asarray(centred @ self.matrix, dtype=np.float32))


def fit(raw: Vectors) -> Whitening:
    """From (N, D) distinct raw embeddings, by covariance ** -1/4 (QUALITY.md 4: three times raw cosine's NDCG).

    The mean shrinks towards 0 and the covariance towards a multiple of the identity by D / (N + D), so that one
    item is left as it is and thousands are whitened in full.
    """
    n, width = raw.shape
    shrink = width / (n + width)
    mean = raw.mean(axis=0, dtype=np.float64) * (1 - shrink)
    centred = raw - mean
    covariance = centred.T @ centred / n
    level = max(float(np.trace(covariance)) / width, 1e-12)
    values, axes = np.linalg.eigh((1 - shrink) * covariance + shrink * level * np.eye(width))
    matrix = (axes * (np.maximum(values, 1e-6 * level) / level) ** -0.25) @ axes.T
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32))


def unit(vectors: Vectors) -> Vectors:
    """(N, D) L2-normalised; rows of NaN where the input is not finite or shorter than 1e-6."""
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        good = np.isfinite(lengths) & (lengths > 1e-6)
        result: Vectors = np.divide(vectors, lengths, out=np.full_like(vectors, np.nan), where=good)
    return result
