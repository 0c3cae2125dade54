"""Items that read like what the user is into: a search of the item space for each strong interest."""

from __future__ import annotations

import numpy as np

from app.domain.catalogue import Catalogue, ItemSpace, Rows, Vectors
from app.domain.item import label_of
from app.domain.recommendation import Reason
from app.retrieval.base import Floats, InterestVector, Query, Scored
from app.retrieval.select import best_of_each, softmax
from app.retrieval.words import name_of

# Of each search; the top of a list decides, its depth only fills a slate.
ENOUGH = 50


class Interests:
    name = "interests"

    def __init__(self, catalogue: Catalogue, space: ItemSpace) -> None:
        self._catalogue = catalogue
        self._space = space

    def score(self, query: Query) -> Scored:
        rows, cosines = self._around(query)
        interests = query.interests[: len(rows)]
        weights = np.sqrt(np.array([interest.weight for interest in interests], dtype=np.float32))[:, None]

        def of(asked: Rows) -> Floats:
            directions = np.stack([interest.vector for interest in interests]) * weights
            return np.asarray((self._space.vectors(asked) @ directions.T).max(axis=1))

        return softmax(best_of_each(rows.ravel(), (cosines * weights).ravel(), query.n, of))

    def _around(self, query: Query) -> tuple[Rows, Vectors]:
        """What is allowed of that which lies near; with too little left of it, another search among the allowed."""
        rows, cosines = query.near
        known = (rows >= 0) & (rows < len(query.allowed))
        kept = np.where(known & query.allowed[np.where(known, rows, 0)], rows, -1) if len(query.allowed) else rows
        if not known.size or (kept >= 0).sum(axis=1).min() >= min(ENOUGH, int(query.allowed.sum())):
            return kept, cosines
        vectors = np.stack([interest.vector for interest in query.interests[: len(rows)]])
        return self._space.search(vectors, query.n, query.allowed)

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        interests = query.interests[: len(query.near[0])]
        directions = np.stack([interest.vector * interest.weight**0.5 for interest in interests])
        vectors = self._space.vectors(rows)
        pulls = np.nan_to_num(vectors @ directions.T, nan=-1.0)
        return [
            self._reason(interests[number], row, vector)
            for number, row, vector in zip(pulls.argmax(axis=1), rows.tolist(), vectors, strict=True)
        ]

    def _reason(self, interest: InterestVector, row: int, vector: Vectors) -> Reason:
        shared = self._shared_step(row, interest.rows)
        if shared:
            return Reason("interest", f"Because you are into {shared}", (shared,))
        cosines = np.nan_to_num(self._space.vectors(interest.rows) @ vector, nan=-1.0)
        closest = self._catalogue.items[interest.rows[int(cosines.argmax())]]
        return Reason("similar", f"Close to {name_of(closest)}, which you know", (closest.item_id,))

    def _shared_step(self, row: int, rows: Rows) -> str:
        """The last step of a category of the item that at least a third of the interest (and two items) shares."""
        catalogue = self._catalogue
        deepest = {int(n): int(catalogue.tree.depths[n]) for n in catalogue.item_facets[row] if n >= 0}
        carried = catalogue.item_facets[rows]
        for number in sorted((n for n, depth in deepest.items() if depth), key=lambda n: -deepest[n]):
            n_shared = int((carried == number).any(axis=1).sum())
            if n_shared >= max(2, len(rows) / 3):
                return label_of(catalogue.facets[number])
        return ""
