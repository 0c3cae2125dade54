"""What comes next by its words alone: a linear map from the texts of a user's past to that of the next item.

W = (A + lam I)^-1 C (G + mu I)^-1 with A = (SF)'(SF), C = (SF)'(TF), G = F'F: S are the fading pasts and T the next
items of all lessons, F the half-whitened texts of the items and a constant. It knows no item by its id, so what nobody
has met yet is ranked like everything else; and A and C are sums over lessons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Mask, Rows, Vectors
from app.domain.recommendation import Reason
from app.retrieval.artifact import Arrays
from app.retrieval.base import NOTHING, Floats, Log, Query, Scored
from app.retrieval.query import FADED
from app.retrieval.select import best_of_each, shares
from app.retrieval.sequences import lessons, sparse_of
from app.retrieval.words import did, name_of

LAM, MU = 100.0, 3.0
# How sharp chances are, by what makes the newest share of the log likeliest to a map without it. It multiplies the
# cosine with where the user points to, which asks for 12 to 16 everywhere; products with the mapped past itself, long
# for who did much, are less likely (log-likelihood, IFDB -8.364 against -8.374, MovieTweetings -8.400 against -8.599,
# UCI retail -7.132 against -7.362), and their best sharpness differs fourfold.
HELD_OUT = 0.05
SHARPNESSES = (2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
SHARPNESS = 12.0
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

    @classmethod
    def of(cls, log: Log, place_of: NDArray[np.int32], texts: Vectors, asked: Mask) -> Sums:
        """All lessons of a log in which one of the behaviours `asked` (N,) comes next."""
        sums = cls.empty(texts.shape[1])
        for pasts, nexts in lessons(log, place_of, len(texts), asked):
            distinct, place = np.unique(nexts, return_inverse=True)
            sums.add(np.asarray(pasts @ texts), texts[distinct], place.astype(np.int32))
        return sums

    def __iadd__(self, other: Sums) -> Sums:
        self.before += other.before
        self.between += other.between
        return self

    def __isub__(self, other: Sums) -> Sums:
        self.before -= other.before
        self.between -= other.between
        return self

    def add(self, pasts: Vectors, texts: Vectors, nexts: Rows) -> None:
        """(B, E) faded pasts, and which of (n, E) texts came next (B,); in double precision, so that sums add up."""
        exact = pasts.astype(np.float64)
        by_next = sparse_of(nexts, np.arange(len(nexts)), np.ones(len(nexts)), (len(texts), len(nexts))) @ exact
        self.before += exact.T @ exact
        self.between += by_next.T @ texts

    def solve(self, gram: Matrix) -> Matrix:
        """(E, E) W; `gram` is G."""
        eye = np.eye(len(gram))
        left = np.linalg.solve(self.before + LAM * eye, self.between)
        return np.asarray(np.linalg.solve(gram + MU * eye, left.T).T)


def fit(log: Log, vectors: Vectors, version: str) -> Arrays:
    """`vectors` (P, D) are the items' places in the space of this `version`, NaN where they have none."""
    place_of, texts = placed(vectors)
    gram = gram_of(texts)
    newest = np.arange(len(log.at)) >= (1 - HELD_OUT) * len(log.at)
    sums = Sums.of(log, place_of, texts, ~newest)
    sharpness = _sharpness(_held_out(log, place_of, texts, newest), sums.solve(gram), texts)
    sums += Sums.of(log, place_of, texts, newest)
    return {
        "map": sums.solve(gram).astype(np.float32),
        "sharpness": np.array([sharpness]),
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


def _held_out(log: Log, place_of: NDArray[np.int32], texts: Vectors, newest: Mask) -> tuple[Vectors, Rows]:
    """Faded pasts (B, E) and what came next (B,) of some of the newest lessons, from all users."""
    some = np.zeros(len(log.at), dtype=np.bool_)
    some[np.flatnonzero(newest)[:: max(1, int(newest.sum()) // N_TRIED)]] = True
    found = [(np.asarray(pasts @ texts), nexts) for pasts, nexts in lessons(log, place_of, len(texts), some)]
    if not found:
        return texts[:0], np.empty(0, dtype=np.int32)
    return np.concatenate([pasts for pasts, _ in found]), np.concatenate([nexts for _, nexts in found])


def _sharpness(held_out: tuple[Vectors, Rows], weights: Matrix, texts: Vectors) -> float:
    """What makes the lessons that the map has not seen likeliest, over all items."""
    users, nexts = held_out[0] @ weights[:, :-1].astype(np.float32), held_out[1]
    lengths = np.linalg.norm(users, axis=1)
    users, nexts = users[lengths > 0] / lengths[lengths > 0, None], nexts[lengths > 0]
    if not len(nexts):
        return SHARPNESS
    told = np.zeros(len(SHARPNESSES))
    for first in range(0, len(nexts), 64):
        cosines = users[first : first + 64] @ texts[:, :-1].T
        right = cosines[np.arange(len(cosines)), nexts[first : first + 64]]
        told += [float(np.sum(s * right - np.log(np.exp(s * cosines).sum(axis=1)))) for s in SHARPNESSES]
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
        rows, cosines = self._space.search(user[None], query.n, query.allowed)
        if not len(rows[0]) or rows[0, 0] < 0:
            return NOTHING
        top = float(cosines[0, 0])

        def sharp(values: Vectors) -> Floats:
            return np.asarray(np.exp(np.minimum(self._sharpness * (values - top), 0.0)), dtype=np.float32)

        def of(asked: Rows) -> Floats:
            return sharp(self._space.vectors(asked) @ user)

        return shares(best_of_each(rows[0], sharp(cosines[0]), query.n, of))

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
        """(D,) the direction in which the next item should lie; the constant says the same of all items."""
        recent = query.recency > FADED
        if not self._fits or not recent.any():
            return None
        vectors = self._space.vectors(query.past[recent])
        known = np.isfinite(vectors).all(axis=1)
        if not known.any():
            return None
        faded = query.recency[recent][known] @ with_constant(vectors[known])
        user = np.asarray(faded @ self._map[:, :-1], dtype=np.float32)
        length = float(np.linalg.norm(user))
        return user / np.float32(length) if length > 0 else None
