"""Competitors that know pairs of items. Each learns a matrix (n, n) and answers with the sum of a history's rows.

n is the number of items with behaviours, or the `limit` most active ones: 20,000 items take 1.6 GB a matrix in
float32, and a fit holds up to three of them. Items beyond have no score.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from app.domain.catalogue import Rows
from app.domain.matrices import Square, add_sparse, gram, gram_blocks, inverse, ridge, solve
from app.evaluation.baselines.past import each_once, fading, reach
from app.evaluation.events import Events, Floats
from app.evaluation.replay import History

LIMIT = 20_000
NEIGHBOURS = 100
MAX_REACH = 50  # SLIT without decay: the length that sequence models are usually given
_BLOCK = 20_000


class ActiveItems:
    """The items that a matrix covers: `rows` (n,) are their numbers, `place` (V,) is where they stand, -1 nowhere."""

    def __init__(self, items: Rows, n_items: int, limit: int) -> None:
        counts = np.bincount(items, minlength=n_items)
        by_count = np.argsort(-counts, kind="stable")[:limit]
        self.rows = np.sort(by_count[counts[by_count] > 0])
        self.place = np.full(n_items, -1, dtype=np.int32)
        self.place[self.rows] = np.arange(len(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def spread(self, values: Floats) -> Floats:
        """(n,) -> (V,), NaN for items that are not covered."""
        scores = np.full(len(self.place), np.nan, dtype=np.float32)
        scores[self.rows] = values
        return scores


class ItemKnn:
    """Cosine between the columns of the user-item matrix, shrunk, the best `k` of each row kept.

    Sarwar, Karypis, Konstan, Riedl (WWW 2001); `shrink` stands in the denominator, as in Ferrari Dacrema, Cremonesi,
    Jannach, "Are We Really Making Much Progress?" (RecSys 2019).
    """

    def __init__(self, tau: float | None = None, k: int = NEIGHBOURS, shrink: float = 10.0, limit: int = LIMIT) -> None:
        self.tau, self._k, self._shrink, self._limit = tau, k, shrink, limit

    def fit(self, events: Events) -> None:
        self._items, taken = user_item(events, self._limit)
        norms = np.sqrt(np.asarray(taken.sum(axis=0)).ravel())
        blocks = [self._nearest(together, norms, first) for first, together in gram_blocks(taken)]
        self._similar = sparse.vstack(blocks, format="csr") if blocks else sparse.csr_matrix((0, 0), dtype=np.float32)

    def score(self, history: History) -> Floats:
        places, weights = places_of(self._items, history, self.tau)
        return self._items.spread(weights @ self._similar[places])

    def _nearest(self, together: Square, norms: Floats, first: int) -> Any:
        n, own = together.shape[1], np.arange(len(together))
        cosines = together / (norms[first : first + len(together), None] * norms + np.float32(self._shrink))
        cosines[own, first + own] = 0.0
        if n > self._k:
            edge = np.partition(cosines, n - self._k, axis=1)[:, n - self._k]
            cosines[cosines < edge[:, None]] = 0.0
        return sparse.csr_matrix(cosines.astype(np.float32))


class Ease:
    """B = I - P / diag(P), P = (X'X + lam I)^-1: Steck, "Embarrassingly Shallow Autoencoders" (WWW 2019)."""

    def __init__(self, tau: float | None = None, lam: float = 250.0, limit: int = LIMIT) -> None:
        self.tau, self._lam, self._limit = tau, lam, limit

    def fit(self, events: Events) -> None:
        self._items, taken = user_item(events, self._limit)
        self._matrix = inverse(ridge(gram(taken), self._lam))
        self._matrix /= -self._matrix.diagonal()
        np.fill_diagonal(self._matrix, 0.0)

    def score(self, history: History) -> Floats:
        places, weights = places_of(self._items, history, self.tau)
        return self._items.spread(weights @ self._matrix[places])


class Slit:
    """B = (S'S + lam I)^-1 S'T: ridge regression from a position-decayed past (a row of S) to the next item (of T).

    SLIT of Choi, Kim, Lee, Shim, Lee, "Session-aware Linear Item-Item Models" (WWW 2021), with the next item only as
    target, as in TALE (Park, Yoon, Choi, Lee, WSDM 2025). Repeats in a past add up.
    `lam` 30 was the best of 3, 10, 30 and 300 on IFDB's validation span (NDCG@10 .0515 against .0466 to .0510).
    """

    def __init__(self, tau: float | None = None, lam: float = 30.0, limit: int = LIMIT) -> None:
        self.tau, self._lam, self._limit = tau, lam, limit
        self._reach = min(reach(tau) or MAX_REACH, MAX_REACH)

    def fit(self, events: Events) -> None:
        wanted = events.wanted()
        self._items = ActiveItems(wanted.items, events.n_items, self._limit)
        n = len(self._items)
        before, between = (np.zeros((n, n), dtype=np.float32, order="F") for _ in range(2))
        for pasts, nexts in self._lessons(wanted):
            add_sparse(before, pasts.T @ pasts)
            add_sparse(between, pasts.T @ nexts)
        self._matrix = solve(ridge(before, self._lam), between)

    def score(self, history: History) -> Floats:
        past = self._items.place[history.items[history.weights > 0]][::-1][: self._reach]
        weights = fading(len(past), self.tau)
        return self._items.spread(weights[past >= 0] @ self._matrix[past[past >= 0]])

    def _lessons(self, wanted: Events) -> Any:
        """Blocks of (S, T), one row for each behaviour on a covered item that has something before it."""
        order = np.argsort(wanted.users, kind="stable")
        sequence, users = self._items.place[wanted.items[order]], wanted.users[order]
        position = np.arange(len(users)) - np.searchsorted(users, users)
        targets = np.flatnonzero((position > 0) & (sequence >= 0)).astype(np.int32)
        for first in range(0, len(targets), _BLOCK):
            block = targets[first : first + _BLOCK]
            nexts = np.arange(len(block)), sequence[block], np.ones(len(block))
            yield self._pasts(block, sequence, position), self._matrix_of(*nexts, len(block))

    def _pasts(self, block: Rows, sequence: Rows, position: NDArray[np.int64]) -> Any:
        weights = fading(self._reach, self.tau)
        parts = []
        for back in range(1, self._reach + 1):
            rows = np.flatnonzero(position[block] >= back)
            items = sequence[block[rows] - back]
            parts.append((rows[items >= 0], items[items >= 0], np.full(int((items >= 0).sum()), weights[back - 1])))
        rows, items, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        return self._matrix_of(rows, items, values, len(block))

    def _matrix_of(self, rows: NDArray[Any], items: NDArray[Any], values: NDArray[Any], n_rows: int) -> Any:
        return sparse.csr_matrix((values.astype(np.float32), (rows, items)), shape=(n_rows, len(self._items)))


def user_item(events: Events, limit: int) -> tuple[ActiveItems, Any]:
    """The covered items and the binary user-item matrix over them."""
    wanted = events.wanted()
    items = ActiveItems(wanted.items, events.n_items, limit)
    places = items.place[wanted.items]
    users, places = wanted.users[places >= 0], places[places >= 0]
    taken = sparse.csr_matrix(
        (np.ones(len(users), dtype=np.float32), (users, places)), shape=(events.n_users, len(items))
    )
    taken.data[:] = 1.0
    return items, taken


def places_of(items: ActiveItems, history: History, tau: float | None) -> tuple[Rows, Floats]:
    places = items.place[history.items[history.weights > 0]]
    return each_once(places[places >= 0], tau)
