"""Items that read like what the user said: searches, comments, and the wish of this request."""

from __future__ import annotations

import numpy as np

from app.domain.catalogue import ItemSpace
from app.domain.recommendation import Reason
from app.retrieval.base import NOTHING, Query, Scored
from app.retrieval.select import best_of_each, softmax

_VERBS = {"search": "searched for", "comment": "wrote", "review": "wrote", "wish": "asked for"}


class Statements:
    name = "statement"

    def __init__(self, space: ItemSpace) -> None:
        self._space = space

    def score(self, query: Query) -> Scored:
        if not query.statements:
            return NOTHING
        vectors = np.stack([statement.vector for statement in query.statements])
        weights = np.array([statement.weight for statement in query.statements], dtype=np.float32)
        rows, cosines = self._space.search(vectors, query.n, query.allowed)
        best = best_of_each(rows.ravel(), (cosines * weights[:, None]).ravel(), query.n)
        return softmax(best, confidence=min(1.0, float(weights.max())))

    def reason(self, query: Query, row: int) -> Reason:
        vector = self._space.vectors(np.array([row], dtype=np.int32))[0]
        said = max(query.statements, key=lambda one: float(np.nan_to_num(one.vector @ vector, nan=-1.0)) * one.weight)
        words = said.text if len(said.text) <= 60 else said.text[:57].rstrip() + "..."
        return Reason("statement", f'Because you {_VERBS.get(said.type, "said")} "{words}"', (said.text,))
