"""Items that read like what the user said: searches, comments, and the wish of this request."""

from __future__ import annotations

import numpy as np

from app.domain.catalogue import ItemSpace, Rows
from app.domain.recommendation import Reason
from app.retrieval.base import NOTHING, Floats, Query, Scored, StatementVector
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

        def of(asked: Rows) -> Floats:
            return np.asarray((self._space.vectors(asked) @ (vectors * weights[:, None]).T).max(axis=1))

        best = best_of_each(rows.ravel(), (cosines * weights[:, None]).ravel(), query.n, of)
        return softmax(best, confidence=min(1.0, float(weights.max())))

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        directions = np.stack([statement.vector * statement.weight for statement in query.statements])
        pulls = np.nan_to_num(self._space.vectors(rows) @ directions.T, nan=-1.0)
        return [_reason(query.statements[number]) for number in pulls.argmax(axis=1)]


def _reason(said: StatementVector) -> Reason:
    words = said.text if len(said.text) <= 60 else said.text[:57].rstrip() + "..."
    return Reason("statement", f'Because you {_VERBS.get(said.type, "said")} "{words}"', (said.text,))
