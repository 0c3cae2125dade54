"""Accuracy from ranks. Each query has one right answer, so a rank says everything.

NDCG = 1 / log2(1 + rank) within k: the ideal ranking has the answer first, with a gain of 1.
Recall@k and HR@k are the same number here. Definitions agree with RecTools' `NDCG(divide_by_achievable=True)`,
`HitRate`, `Recall` and `MRR` (rectools/metrics) and with ranx, wherever no scores are tied.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows
from app.evaluation.events import Floats

Ranks = NDArray[np.float32]
Values = NDArray[np.float64]

HISTORY_BUCKETS = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 50), (51, 1_000_000_000))


def mid_rank(scores: Floats, target: int, candidates: Mask) -> float:
    """The place of `target` among `candidates` (V,), 1 is best; ties count half, as a random order would on average.

    Counting only strictly higher scores would let a scorer that says the same of everything look perfect. A target
    without a finite score takes the last place; candidates without one stand behind every score.
    """
    score = scores[target]
    if not np.isfinite(score):
        return float(np.count_nonzero(candidates))
    higher = np.count_nonzero((scores > score) & candidates)
    equal = np.count_nonzero((scores == score) & candidates)
    return 1.0 + higher + (equal - 1) / 2.0


def ndcg_at(ranks: Ranks, k: int) -> Values:
    """(Q,) -> (Q,)"""
    return np.where(ranks <= k, 1.0 / np.log2(1.0 + ranks.astype(np.float64)), 0.0)


def recall_at(ranks: Ranks, k: int) -> Values:
    """(Q,) -> (Q,), 1 where the answer is among the first k."""
    return (ranks <= k).astype(np.float64)


def reciprocal_rank(ranks: Ranks) -> Values:
    """(Q,) -> (Q,), without a cut."""
    return 1.0 / ranks.astype(np.float64)


METRICS: dict[str, Callable[[Ranks], Values]] = {
    "NDCG@10": lambda ranks: ndcg_at(ranks, 10),
    "HR@10": lambda ranks: recall_at(ranks, 10),
    "MRR": reciprocal_rank,
    "Recall@20": lambda ranks: recall_at(ranks, 20),
    "Recall@50": lambda ranks: recall_at(ranks, 50),
}


def mean(values: Values) -> float:
    """Over behaviours; NaN of nothing."""
    return float(values.mean()) if len(values) else float("nan")


def macro_mean(values: Values, users: Rows) -> float:
    """Mean over users of each user's mean, so that the busiest do not decide alone; NaN of nothing."""
    if not len(values):
        return float("nan")
    _, place, counts = np.unique(users, return_inverse=True, return_counts=True)
    return float((np.bincount(place, weights=values) / counts).mean())


def by_history(values: Values, n_history: Rows) -> dict[str, tuple[int, float]]:
    """Number of queries and mean value for each bucket of the user's number of behaviours until then."""
    table = {}
    for low, high in HISTORY_BUCKETS:
        inside = values[(n_history >= low) & (n_history <= high)]
        table[_name(low, high)] = (len(inside), mean(inside))
    return table


def _name(low: int, high: int) -> str:
    last = HISTORY_BUCKETS[-1][1]
    return f"{low}" if low == high else f"{low}+" if high == last else f"{low}-{high}"
