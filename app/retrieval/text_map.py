"""What comes next by its words alone: a linear map from the texts of a user's past to that of the next item.

W = (A + lam I)^-1 C (G + mu I)^-1 with A = (SF)'(SF), C = (SF)'(TF), G = F'F: S are the fading pasts and T the next
items of all lessons, F the half-whitened texts of the items and a constant. It knows no item by its id, so what nobody
has met yet is ranked like everything else; and A and C are sums over lessons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Rows, Vectors
from app.domain.recommendation import Reason
from app.retrieval.artifact import Arrays
from app.retrieval.base import NOTHING, Floats, Log, Query, Scored
from app.retrieval.query import FADED
from app.retrieval.select import best_of_each, shares
from app.retrieval.sequences import lessons
from app.retrieval.words import did, name_of

LAM, MU = 100.0, 3.0
# How sharp chances are, by what made the newest lessons likeliest.
SHARPNESSES = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
N_TRIED = 1_000
Matrix = NDArray[np.float64]


@dataclass(slots=True)
class Sums:
    """`before` is A (E, E), `between` C (E, E), E = D + 1; sums over lessons, so that parts of a log add up."""

    before: Matrix
    between: Matrix

    @classmethod
    def empty(cls, width: int) -> Sums:
        return cls(np.zeros((width, width)), np.zeros((width, width)))

    def add(self, pasts: Vectors, nexts: Vectors, sign: float = 1.0) -> None:
        """(B, E) faded pasts and (B, E) next items; a `sign` of -1 takes away what was added before."""
        exact = pasts.astype(np.float64)
        self.before += sign * (exact.T @ exact)
        self.between += sign * (exact.T @ nexts)

    def solve(self, gram: Matrix) -> Matrix:
        """(E, E) W; `gram` is G."""
        eye = np.eye(len(gram))
        left = np.linalg.solve(self.before + LAM * eye, self.between)
        return np.asarray(np.linalg.solve(gram + MU * eye, left.T).T)


def fit(log: Log, vectors: Vectors, version: str) -> Arrays:
    """`vectors` (P, D) are the items' places in the space of this `version`, NaN where they have none."""
    place_of, texts = placed(vectors)
    sums, newest = Sums.empty(texts.shape[1]), (texts[:0], np.empty(0, dtype=np.int32))
    for pasts, nexts in lessons(log, place_of, len(texts)):
        faded = np.asarray(pasts @ texts)
        sums.add(faded, texts[nexts])
        newest = faded[-N_TRIED:], nexts[-N_TRIED:]
    gram = gram_of(texts)
    weights = sums.solve(gram)
    return {
        "map": weights.astype(np.float32),
        "sharpness": np.array([_sharpness(newest[0] @ weights.astype(np.float32), newest[1], texts)]),
        "before": sums.before,
        "between": sums.between,
        "gram": gram,
        "version": as_numbers(version),
    }


def as_numbers(version: str) -> NDArray[np.int32]:
    """A word among the arrays."""
    return np.frombuffer(version.encode(), dtype=np.uint8).astype(np.int32)


def placed(vectors: Vectors) -> tuple[NDArray[np.int32], Vectors]:
    """(P, D) with rows of NaN -> where each stands among the n that are known (P,), -1 for the others; texts (n, E)."""
    known = np.isfinite(vectors).all(axis=1)
    return np.where(known, np.cumsum(known) - 1, -1).astype(np.int32), with_constant(vectors[known])


def gram_of(texts: Vectors) -> Matrix:
    """(n, E) -> G (E, E)."""
    exact = texts.astype(np.float64)
    return np.asarray(exact.T @ exact)


def with_constant(vectors: Vectors) -> Vectors:
    """(N, D) -> (N, D + 1)"""
    return np.concatenate([vectors, np.ones((len(vectors), 1), dtype=np.float32)], axis=1)


def _sharpness(users: Vectors, nexts: NDArray[np.int32], texts: Vectors) -> float:
    if not len(users):
        return SHARPNESSES[0]
    scores = users @ texts.T
    right = scores[np.arange(len(nexts)), nexts]
    scores -= scores.max(axis=1, keepdims=True)
    right = right - (users @ texts.T).max(axis=1)
    told = [float(np.mean(s * right - np.log(np.exp(s * scores).sum(axis=1)))) for s in SHARPNESSES]
    return SHARPNESSES[int(np.argmax(told))]


class TextMap:
    """Says nothing in another space than it was fitted in: there the map points anywhere."""

    name = "text_map"

    def __init__(self, arrays: Arrays, catalogue: Catalogue, space: ItemSpace) -> None:
        self._map: Floats = np.asarray(arrays["map"])
        self._sharpness = float(arrays["sharpness"][0])
        self._catalogue, self._space = catalogue, space
        fits = bytes(arrays["version"].astype(np.uint8)).decode() == space.version
        self._fits = fits and self._map.shape[0] == space.vectors(np.empty(0, np.int32)).shape[1] + 1

    def score(self, query: Query) -> Scored:
        user = self._user(query)
        if user is None:
            return NOTHING
        length = max(float(np.linalg.norm(user)), 1e-9)
        rows, cosines = self._space.search(user[None] / length, query.n, query.allowed)
        if not len(rows[0]) or rows[0, 0] < 0:
            return NOTHING
        top = float(cosines[0, 0]) * length

        def sharp(values: Vectors) -> Floats:
            return np.asarray(np.exp(np.minimum(self._sharpness * (values - top), 0.0)), dtype=np.float32)

        def of(asked: Rows) -> Floats:
            return sharp(self._space.vectors(asked) @ user)

        return shares(best_of_each(rows[0], sharp(cosines[0] * length), query.n, of))

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        past = query.past[query.recency > FADED]
        known = np.isfinite(self._space.vectors(past)).all(axis=1)
        mapped = with_constant(self._space.vectors(past[known])) @ self._map[:, :-1]
        pulls = np.nan_to_num(self._space.vectors(rows) @ mapped.T) * query.recency[query.recency > FADED][known]
        return [self._reason(query, int(np.flatnonzero(known)[place])) for place in pulls.argmax(axis=1)]

    def _reason(self, query: Query, place: int) -> Reason:
        item = self._catalogue.items[query.past[place]]
        return Reason("goes_with", f"Goes with {name_of(item)}, which you {did(query.types[place])}", (item.item_id,))

    def _user(self, query: Query) -> Vectors | None:
        """(D,) where the next item should lie; its last component, the constant, is the same for all items."""
        recent = query.recency > FADED
        if not self._fits or not recent.any():
            return None
        vectors = self._space.vectors(query.past[recent])
        known = np.isfinite(vectors).all(axis=1)
        if not known.any():
            return None
        faded = query.recency[recent][known] @ with_constant(vectors[known])
        return np.asarray(faded @ self._map[:, :-1], dtype=np.float32)
