"""Items that people turn to around the same time: item-to-item neighbours that know the order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.retrieval.artifact import Arrays
from app.retrieval.base import Log

NAME = "neighbours"
N_NEIGHBOURS = 100
# Pairs count exp(-(steps - 1) / 5) up to 15 steps apart, and .6 of that against the order of time. Against plain
# cosine (NDCG@10, new items): IFDB .057 -> .074, MovieTweetings .062 -> .078. Baskets are counted in the order of
# their lines; UCI retail .070 -> .232 and groceries .007 -> .032 owe a part of that to lines sorted by product.
MAX_STEPS = 15
STEPS_TAU = 5.0
BACKWARDS = 0.6
# A pair's count is divided by (n_from + 5) ** .5 and (n_to + 5) ** .25: .074 on IFDB, .070 with .5 on both sides.
SHRINK = 5.0
POWER_FROM, POWER_TO = 0.5, 0.25
# Votes as they are spread the chances too thin: squared, the fusion gained 8 % on IFDB and UCI retail.
POWER = 2.0


def fit(log: Log) -> Arrays:
    """`neighbours` (P, K) positions, -1 where there are fewer, and `similarities` (P, K), best first.

    Each user counts a pair of items once, at most 1, so nobody's influence grows with their diligence.
    """
    n = len(log.item_ids)
    counts = _pairs(*_sequences(log), n)
    per_item = np.bincount(_first_times(log)[1], minlength=n) + SHRINK
    counts.data *= np.repeat(per_item**-POWER_FROM, np.diff(counts.indptr))
    counts.data *= (per_item**-POWER_TO)[counts.indices]
    return _best(counts)


def _first_times(log: Log) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Users and items, in order of time, each pair at its first time only."""
    _, first = np.unique(log.users.astype(np.int64) * len(log.item_ids) + log.items, return_index=True)
    first.sort()
    return log.users[first], log.items[first]


def _sequences(log: Log) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    users, items = _first_times(log)
    by_user = np.argsort(users, kind="stable")
    return users[by_user], items[by_user]


def _pairs(users: NDArray[np.int32], items: NDArray[np.int32], n: int) -> Any:
    """(P, P) sparse: from an item to those that followed it, and more weakly to those that came before."""
    from scipy import sparse

    forward = sparse.csr_matrix((n, n), dtype=np.float32)
    for steps in range(1, min(MAX_STEPS, len(users) - 1) + 1):
        same = users[steps:] == users[:-steps]
        pairs = (items[:-steps][same], items[steps:][same])
        weights = np.full(len(pairs[0]), np.exp(-(steps - 1) / STEPS_TAU), dtype=np.float32)
        forward = forward + sparse.csr_matrix((weights, pairs), shape=(n, n))
    return (forward + BACKWARDS * forward.T).tocsr()


def _best(similarities: Any) -> Arrays:
    n = similarities.shape[0]
    neighbours = np.full((n, N_NEIGHBOURS), -1, dtype=np.int32)
    values = np.zeros((n, N_NEIGHBOURS), dtype=np.float32)
    similarities.sort_indices()
    for position in range(n):
        place = slice(similarities.indptr[position], similarities.indptr[position + 1])
        row = similarities.data[place]
        best = np.argsort(-row, kind="stable")[:N_NEIGHBOURS]
        neighbours[position, : len(best)] = similarities.indices[place][best]
        values[position, : len(best)] = row[best]
    return {"neighbours": neighbours, "similarities": values}
