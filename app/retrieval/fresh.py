"""Items that nobody knows yet, near to what the user is into: minutes after they are put, text speaks for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Rows, Vectors
from app.domain.recommendation import Reason
from app.retrieval.artifact import Positions
from app.retrieval.base import NOTHING, Query, Scored
from app.retrieval.select import best_of, only, softmax
from app.retrieval.words import name_of

NEW_FOR_S = 30 * 86_400.0
# The newest so many are looked at: one product of 500 x 384 with 4 interests takes .03 ms.
N_POOL = 500
N_INTERESTS = 4
# New rows are noticed at once, a late embedding or another date within this time.
REREAD_S = 30.0


@dataclass(frozen=True, slots=True)
class _Pool:
    rows: Rows
    vectors: Vectors
    n_rows: int
    read_at: float


class Fresh:
    """An item is fresh for 30 days after it was published; without that date, until somebody turns to it."""

    name = "fresh"

    def __init__(self, catalogue: Catalogue, space: ItemSpace, positions: Positions) -> None:
        self._catalogue = catalogue
        self._space = space
        self._positions = positions
        self._pool = _Pool(np.empty(0, np.int32), np.empty((0, 0), np.float32), -1, 0.0)

    def score(self, query: Query) -> Scored:
        pool = self._fresh(query.now)
        here = np.flatnonzero(query.allowed[pool.rows])
        interests = query.interests[:N_INTERESTS]
        if not interests or not here.size:
            return NOTHING
        weights = np.sqrt(np.array([interest.weight for interest in interests], dtype=np.float32))
        directions = np.stack([interest.vector for interest in interests]) * weights[:, None]
        scores = (pool.vectors @ directions.T).max(axis=1)[here]
        of = only(pool.rows[here], scores, np.nan)
        return softmax(best_of(pool.rows[here], scores, query.n, of))

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        known = np.concatenate([interest.rows for interest in query.interests[:N_INTERESTS]])
        cosines = np.nan_to_num(self._space.vectors(rows) @ self._space.vectors(known).T, nan=-1.0)
        return [
            self._reason(row, int(closest))
            for row, closest in zip(rows.tolist(), known[cosines.argmax(1)], strict=True)
        ]

    def _reason(self, row: int, closest: int) -> Reason:
        dated = np.isfinite(self._catalogue.published_at[row])
        start = "New, and close to" if dated else "Not yet discovered, and close to"
        item = self._catalogue.items[closest]
        return Reason("new", f"{start} {name_of(item)}", (item.item_id,))

    def _fresh(self, now: float) -> _Pool:
        pool = self._pool
        if pool.n_rows != self._catalogue.n_rows or abs(now - pool.read_at) > REREAD_S:
            pool = self._pool = self._read(now)
        return pool

    def _read(self, now: float) -> _Pool:
        n_rows = self._catalogue.n_rows
        rows = self._newest(n_rows, now)
        vectors = self._space.vectors(rows)
        # A space that holds nothing yet is 0 wide, and then nothing in it is NaN either.
        known = np.isfinite(vectors).all(axis=1) & (vectors.shape[1] > 0)
        return _Pool(rows[known], vectors[known], n_rows, now)

    def _newest(self, n_rows: int, now: float) -> NDArray[np.int32]:
        published_at = self._catalogue.published_at[:n_rows]
        unknown_to_all = self._unknown_to_all(n_rows)
        age = now - published_at
        is_fresh = np.where(np.isnan(published_at), unknown_to_all, (age >= 0) & (age < NEW_FOR_S))
        rows = np.flatnonzero(is_fresh & self._catalogue.available[:n_rows]).astype(np.int32)
        order = np.lexsort((-rows, np.nan_to_num(age[rows], nan=NEW_FOR_S)))
        return rows[order[:N_POOL]]

    def _unknown_to_all(self, n_rows: int) -> NDArray[np.bool_]:
        """Nothing is called undiscovered before a log was read."""
        if not len(self._positions.rows):
            return np.zeros(n_rows, dtype=np.bool_)
        return self._positions.of(np.arange(n_rows, dtype=np.int32)) < 0
