"""A small item space by brute force: the reference that others are compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows, Vectors


class BruteForceSpace:
    """Implements `ItemSpace` over (V, D) vectors by row; a row of NaN has no embedding."""

    def __init__(self, vectors: Vectors, numbers: list[int] | None = None, labels: list[str] | None = None) -> None:
        self.version = "brute-force"
        self._vectors = np.asarray(vectors, dtype=np.float32)
        self._numbers = np.array(numbers if numbers is not None else [-1] * len(vectors), dtype=np.int16)
        self._labels = labels or []

    def search(self, vectors: Vectors, k: int, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        cosines = np.nan_to_num(vectors @ self._vectors.T, nan=-2.0)
        if allowed is not None:
            cosines[:, ~allowed[: cosines.shape[1]]] = -2.0
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        found = np.take_along_axis(cosines, order, axis=1)
        missing = found < -1.5
        return np.where(missing, -1, order).astype(np.int32), np.where(missing, -1, found).astype(np.float32)

    def vectors(self, rows: Rows) -> Vectors:
        known = (rows >= 0) & (rows < len(self._vectors))
        result = np.full((len(rows), self._vectors.shape[1]), np.nan, dtype=np.float32)
        result[known] = self._vectors[rows[known]]
        return result

    def clusters(self, rows: Rows) -> NDArray[np.int16]:
        known = (rows >= 0) & (rows < len(self._numbers))
        result = np.full(len(rows), -1, dtype=np.int16)
        result[known] = self._numbers[rows[known]]
        return result

    def cluster_label(self, cluster: int) -> str:
        return self._labels[cluster] if 0 <= cluster < len(self._labels) else ""

    def project(self, raw: Vectors) -> Vectors:
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), dtype=np.float32)


def no_space() -> BruteForceSpace:
    return BruteForceSpace(np.empty((0, 2), dtype=np.float32))
