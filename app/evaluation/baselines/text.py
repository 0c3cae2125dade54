"""Competitors that read the text only: the cosine between an item and the mean of the user's items."""

from __future__ import annotations

import numpy as np

from app.domain.catalogue import Vectors
from app.evaluation.baselines.past import each_once
from app.evaluation.events import Events, Floats
from app.evaluation.replay import History


def whitened(raw: Vectors, power: float) -> Vectors:
    """(V, D) -> (V, D) unit vectors: mean removed, each principal axis divided by eigenvalue ** power.

    1/4 is half-whitening (QUALITY.md 4), 1/2 is full whitening (Su et al. 2021, arXiv:2103.15316). Rows of NaN stay.
    """
    known = np.isfinite(raw).all(axis=1)
    centred = raw - raw[known].mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(centred[known], rowvar=False))
    # an axis without variance would be blown up to noise
    scale = np.where(values > values[-1] * 1e-6, np.maximum(values, 1e-12) ** -power, 0.0)
    return _unit((centred @ (axes * scale)).astype(np.float32))


def views_of(raw: Vectors | None) -> dict[str, Vectors]:
    """The embeddings as they come, half-whitened and whitened; none of none."""
    return {} if raw is None else {"raw": raw, "half-whitened": whitened(raw, 0.25), "whitened": whitened(raw, 0.5)}


class TextCosine:
    """`vectors` (V, D) as they should be compared; a row of NaN is an item without text, which gets no score."""

    def __init__(self, vectors: Vectors, tau: float | None = None) -> None:
        self._vectors = _unit(vectors)
        self._known = np.isfinite(self._vectors[:, 0])
        self.tau = tau

    def fit(self, events: Events) -> None:
        """Nothing is learned from behaviours."""

    def score(self, history: History) -> Floats:
        wanted = history.items[history.weights > 0]
        items, weights = each_once(wanted[self._known[wanted]], self.tau)
        taste = weights @ self._vectors[items]
        return np.asarray(self._vectors @ (taste / max(float(np.linalg.norm(taste)), 1e-12)), dtype=np.float32)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
