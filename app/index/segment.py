"""A stretch of positions with one FAISS index over them: what was published, or what came since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows, Vectors
from app.index import structures

# Up to this many wanted vectors a direct scan is exact and faster than opening most lists of an IVF.
FEW = 4_096


@dataclass(slots=True)
class Segment:
    """`vectors` (P, D), `clusters` (P,) and `rows` (P,) by position; row -1 means that the position is stale."""

    kind: structures.Kind
    index: Any
    vectors: Vectors
    clusters: NDArray[np.int32]
    rows: Rows
    n_live: int = 0

    @classmethod
    def empty(cls, width: int) -> Segment:
        return cls(
            "exact",
            structures.empty_exact(width),
            np.empty((0, width), np.float32),
            np.empty(0, np.int32),
            np.empty(0, np.int32),
        )

    def append(self, rows: Rows, vectors: Vectors, clusters: NDArray[np.int32]) -> NDArray[np.int64]:
        """Adds unit vectors; returns their positions."""
        first = len(self.rows)
        self.index.add(np.ascontiguousarray(vectors))
        self.vectors = np.concatenate([self.vectors, vectors])
        self.clusters = np.concatenate([self.clusters, clusters])
        self.rows = np.concatenate([self.rows, rows])
        self.n_live += len(rows)
        return np.arange(first, len(self.rows), dtype=np.int64)

    def point(self, positions: NDArray[np.int64], rows: Rows) -> None:
        """Gives stale positions to rows."""
        self.rows[positions] = rows
        self.n_live += len(rows)

    def drop(self, positions: NDArray[np.int64]) -> None:
        self.rows[positions] = -1
        self.n_live -= len(positions)

    def search(self, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
        """(Q, D) finite -> rows (Q, k) and cosines (Q, k), row -1 and cosine -1 where there are fewer."""
        positions, cosines = self._positions(queries, k, self._wanted(allowed))
        found = positions >= 0
        rows = np.where(found, self.rows[positions], -1).astype(np.int32)
        return rows, np.where(found, cosines, np.float32(-1)).astype(np.float32)

    def _positions(self, queries: Vectors, k: int, wanted: Mask | None) -> tuple[NDArray[np.int64], Vectors]:
        if self.kind != "exact" and wanted is not None and np.count_nonzero(wanted) <= FEW:
            return structures.scan(self.vectors, np.flatnonzero(wanted), queries, k)
        return structures.search(self.index, self.kind, queries, k, wanted)

    def _wanted(self, allowed: Mask | None) -> Mask | None:
        """(P,) which positions may be found; None for all."""
        if allowed is None:
            return self.rows >= 0 if self.n_live < len(self.rows) else None
        # Stale positions (-1) and rows younger than the mask look at the False that is put behind it.
        return np.append(allowed, False)[np.where(self.rows < len(allowed), self.rows, -1)]
