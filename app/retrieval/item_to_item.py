"""What several sources share: from each item to others, and the sum of that over the latest items of a user."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Rows
from app.domain.recommendation import Reason
from app.retrieval.artifact import Arrays, Positions
from app.retrieval.base import NOTHING, Floats, Log, Query, Scored
from app.retrieval.caps import capped
from app.retrieval.query import FADED
from app.retrieval.select import best_of
from app.retrieval.words import did, name_of

# Items that a square matrix covers: 12,000 take .6 GB in float32, and solving two of them half a minute each.
MOST_ITEMS = 12_000


class ItemToItem:
    """`arrays` hold `neighbours` (P, K) positions, -1 where there are fewer, and `similarities` (P, K).

    A score is a vote to the power of `power`, as a share of all votes: above 1 it trusts the best of them more.
    `by_line`: what came at one time is read in its order.
    """

    def __init__(
        self,
        name: str,
        arrays: Arrays,
        positions: Positions,
        catalogue: Catalogue,
        power: float,
        by_line: bool = False,
    ) -> None:
        self.name = name
        self._neighbours: NDArray[np.int32] = arrays["neighbours"]
        self._similarities: Floats = arrays["similarities"]
        self._positions = positions
        self._catalogue = catalogue
        self._power = power
        self._by_line = by_line

    def score(self, query: Query) -> Scored:
        votes = self._votes(query)
        if votes is None:
            return NOTHING
        found = np.flatnonzero((votes > 0) & (self._positions.rows >= 0))
        found = found[query.allowed[self._positions.rows[found]]]
        best = best_of(self._positions.rows[found], votes[found], query.n)
        total = float(best.scores.sum())
        if total <= 0:
            return NOTHING

        def of(rows: Rows) -> Floats:
            places = self._positions.of(rows)
            return np.where(places >= 0, votes[places] / np.float32(total), np.float32(np.nan))

        return Scored(best.rows, best.scores / np.float32(total), of)

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        positions, weights, places = self._past(query)
        neighbours, votes = self._neighbours[positions], self._similarities[positions] * weights[:, None]
        strongest = [
            int(places[int((votes * (neighbours == position)).max(axis=1).argmax())])
            for position in self._positions.of(rows)
        ]
        return [self._reason(query, place) for place in strongest]

    def _votes(self, query: Query) -> Floats | None:
        """(P,) what the latest items say about all others."""
        positions, weights, _ = self._past(query)
        if not len(positions):
            return None
        neighbours = self._neighbours[positions]
        known = neighbours >= 0
        votes = (self._similarities[positions] * weights[:, None])[known]
        sums = np.bincount(neighbours[known], votes, minlength=len(self._positions.rows))
        result: Floats = (np.maximum(sums, 0.0) ** self._power).astype(np.float32)
        return result

    def _reason(self, query: Query, place: int) -> Reason:
        item = self._catalogue.items[query.past[place]]
        return Reason("because_of", f"Because you {did(query.types[place])} {name_of(item)}", (item.item_id,))

    def _past(self, query: Query) -> tuple[NDArray[np.int32], Floats, NDArray[np.int64]]:
        """Positions of the latest items, their weights and their places in `query.past`."""
        recency = query.line_recency if self._by_line else query.recency
        recent = np.flatnonzero(recency > FADED)
        positions = self._positions.of(query.past[recent])
        known = positions >= 0
        return positions[known], recency[recent[known]], recent[known]


def strongest(matrix: Any, places: NDArray[np.int64], n: int, k: int) -> Arrays:
    """The `k` greatest values of every row of a dense (A, A) matrix between the items at `places` (A,) of `n`."""
    neighbours = np.full((n, k), -1, dtype=np.int32)
    values = np.zeros((n, k), dtype=np.float32)
    k = min(k, matrix.shape[1])
    for first in range(0, len(places), 512):
        rows = matrix[first : first + 512]
        best = np.argpartition(-rows, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(rows, best, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")
        here = places[first : first + 512]
        neighbours[here, :k] = places[np.take_along_axis(best, order, axis=1)]
        values[here, :k] = np.take_along_axis(found, order, axis=1)
    return {"neighbours": neighbours, "similarities": values}


def most_active(log: Log, limit: int = MOST_ITEMS) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """(A,) positions of the items with most behaviours, ascending, and (P,) where each stands among them or -1.

    A user counts once per item and day.
    """
    counts = np.bincount(capped(log).items, minlength=len(log.item_ids))
    places = np.sort(np.argsort(-counts, kind="stable")[:limit])
    places = places[counts[places] > 0]
    place_of = np.full(len(log.item_ids), -1, dtype=np.int32)
    place_of[places] = np.arange(len(places), dtype=np.int32)
    return places, place_of
