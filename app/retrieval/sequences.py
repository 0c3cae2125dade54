"""A log as lessons: what a user did, faded as it would be in a query of that moment, and what came next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask
from app.retrieval.base import Log
from app.retrieval.caps import once_a_day
from app.retrieval.query import FADED, RECENCY_TAU

# Behaviours back that a lesson sees: what lies farther has faded, but for large baskets.
REACH = 40
_BLOCK = 20_000


def lessons(
    log: Log, place_of: NDArray[np.int32], n: int, asked: Mask | None = None, by_line: bool = False
) -> Iterator[tuple[Any, NDArray[np.int32]]]:
    """Blocks of B lessons: pasts (B, n), sparse, and the places (B,) of what came next.

    `place_of` (P,) is where each item stands among the `n` that matter, -1 for the others. Repeats in a past add up.
    `asked` (N,) are the behaviours that may be what came next: all of them unless given. `by_line`: what came at one
    time stands in its order. Of a user, an item and a day the first behaviour counts alone, before and after.
    """
    counted = once_a_day(log)
    log, asked = log.take(counted), None if asked is None else asked[counted]
    order = np.argsort(log.users, kind="stable")
    users, sequence, at = log.users[order], place_of[log.items[order]], log.at[order]
    starts = np.searchsorted(users, users)  # where the user's behaviours begin
    new_moment = np.ones(len(users), dtype=np.bool_)
    new_moment[1:] = (users[1:] != users[:-1]) | (at[1:] != at[:-1])
    moment = np.cumsum(new_moment) - 1
    bounds = np.append(np.flatnonzero(new_moment), len(users))
    may_be_next = (np.arange(len(users)) > starts) & (sequence >= 0)
    targets = np.flatnonzero(may_be_next if asked is None else may_be_next & asked[order])
    for first in range(0, len(targets), _BLOCK):
        block = targets[first : first + _BLOCK]
        past = block[:, None] - np.arange(1, REACH + 1)
        inside = past >= starts[block, None]
        past = np.where(inside, past, block[:, None])
        begin, end = (past, past + 1) if by_line else (bounds[moment[past]], bounds[moment[past] + 1])
        weights = shared_recency(block[:, None], begin, end)
        used = inside & (weights > FADED) & (sequence[past] >= 0)
        yield sparse_of(np.nonzero(used)[0], sequence[past[used]], weights[used], (len(block), n)), sequence[block]


def shared_recency(target: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weight of a past behaviour whose moment reaches from `begin` to `end`, as `retrieval.query` gives it:
    exp(-rank / tau), shared among the behaviours of one moment that lie before `target`.
    """
    end = np.minimum(end, target)
    length = np.maximum(end - begin, 1)
    decay = np.exp(-1.0 / RECENCY_TAU)
    series = (1 - decay**length) / (1 - decay)
    return np.asarray(np.exp(-(target - end) / RECENCY_TAU) * series / length)


def sparse_of(rows: NDArray[Any], columns: NDArray[Any], values: NDArray[Any], shape: tuple[int, int]) -> Any:
    from scipy import sparse

    return sparse.csr_matrix((np.asarray(values, dtype=np.float32), (rows, columns)), shape=shape)
