"""What comes next after what: a ridge regression from a user's fading past to the next item.

SLIT of Choi, Kim, Lee, Shim, Lee, "Session-aware Linear Item-Item Models" (WWW 2021), with the next item only as
target, as in TALE (Park, Yoon, Choi, Lee, WSDM 2025): B = (S'S + lam I)^-1 S'T.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.matrices import add_sparse, ridge, solve
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.retrieval.item_to_item import MOST_ITEMS, by_user, most_active, sparse_of, strongest
from app.retrieval.query import FADED, RECENCY_TAU

NAME = "slit"
LAM = 30.0
N_NEIGHBOURS = 200
POWER = 1.5
# Behaviours back that a lesson sees: what lies farther has faded, but for large baskets.
REACH = 40
_BLOCK = 20_000


def fit(log: Log, lam: float = LAM, limit: int = MOST_ITEMS) -> Arrays:
    """`neighbours` and `similarities` (P, K) as `ItemToItem` reads them. Repeats in a past add up."""
    places, place_of = most_active(log, limit)
    n = len(places)
    before, between = (np.zeros((n, n), dtype=np.float32, order="F") for _ in range(2))
    for pasts, nexts in _lessons(log, place_of, n):
        add_sparse(before, pasts.T @ pasts)
        add_sparse(between, pasts.T @ nexts)
    return strongest(solve(ridge(before, lam), between), places, len(log.item_ids), N_NEIGHBOURS)


def _lessons(log: Log, place_of: NDArray[np.int32], n: int) -> Iterator[tuple[Any, Any]]:
    """Blocks of (S, T): one row for each behaviour on a covered item that has something before it."""
    order = by_user(log)
    users, sequence, at = log.users[order], place_of[log.items[order]], log.at[order]
    starts = np.searchsorted(users, users)  # where the user's behaviours begin
    new_moment = np.ones(len(users), dtype=np.bool_)
    new_moment[1:] = (users[1:] != users[:-1]) | (at[1:] != at[:-1])
    moment = np.cumsum(new_moment) - 1
    bounds = np.append(np.flatnonzero(new_moment), len(users))
    targets = np.flatnonzero((np.arange(len(users)) > starts) & (sequence >= 0))
    for first in range(0, len(targets), _BLOCK):
        block = targets[first : first + _BLOCK]
        past = block[:, None] - np.arange(1, REACH + 1)
        inside = past >= starts[block, None]
        past = np.where(inside, past, block[:, None])
        weights = shared_recency(block[:, None], bounds[moment[past]], bounds[moment[past] + 1])
        used = inside & (weights > FADED) & (sequence[past] >= 0)
        rows = np.nonzero(used)[0]
        yield (
            sparse_of(rows, sequence[past[used]], weights[used], (len(block), n)),
            sparse_of(np.arange(len(block)), sequence[block], np.ones(len(block)), (len(block), n)),
        )


def shared_recency(target: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weight of a past behaviour whose moment reaches from `begin` to `end`, as `retrieval.query` gives it:
    exp(-rank / tau), shared among the behaviours of one moment that lie before `target`.
    """
    end = np.minimum(end, target)
    length = np.maximum(end - begin, 1)
    decay = np.exp(-1.0 / RECENCY_TAU)
    series = (1 - decay**length) / (1 - decay)
    return np.asarray(np.exp(-(target - end) / RECENCY_TAU) * series / length)
