"""What is popular with people who are alike: a start for those of whom little more than their segment is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Rows
from app.domain.recommendation import Reason
from app.profiles.decay import fade
from app.retrieval.artifact import Arrays, Positions
from app.retrieval.base import NOTHING, Floats, Log, Query, Scored
from app.retrieval.caps import capped
from app.retrieval.select import first_allowed

HALF_LIFE_DAYS = 30.0
# With so many behaviours a segment's word is half its own and half everybody's. NDCG@10 of new items by the list alone
# (everybody's, with 100, with 1,000): films .0707, .0717, .0731, fiction .0136, .0126, .0137, groceries .0092, .0089,
# .0090. Lists by a user's strongest topic lost on films (.0582), which is why there are none.
PRIOR = 1_000.0
# The newest share of the log tells how much a segment's word is worth.
HELD_OUT = 0.05
N_ROUNDS = 30
# With so many behaviours in the log a count is worth half of what it says.
FEW = 100

Values = NDArray[np.float64]


def fit(log: Log, segment_of_user: NDArray[np.int32]) -> Arrays:
    """`shares` (S, P): each item's share of a segment's behaviours, decayed by 30 days; a user counts once per item and
    day. `confidence` (1,): how much that says about what comes next, against an even chance for every item.
    """
    segments, items, at = _once_a_day(log, segment_of_user)
    n_segments, n = int(segment_of_user.max(initial=-1)) + 1, len(log.item_ids)
    if not n_segments or not len(at):
        return {"shares": np.empty((0, n), dtype=np.float32), "confidence": np.zeros(1)}
    known = slice(0, len(at) - int(HELD_OUT * len(at)))
    shares = _shares(segments[known], items[known], at[known], (n_segments, n))
    newest = slice(known.stop, None)
    confidence = _confidence(shares[segments[newest], items[newest]], n) * len(at) / (len(at) + FEW)
    return {
        "shares": _shares(segments, items, at, (n_segments, n)).astype(np.float32),
        "confidence": np.array([confidence]),
    }


def _once_a_day(log: Log, segment_of_user: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32], Values]:
    """Segments, items and times, in order of time, of users who have a segment."""
    log = capped(log.take(segment_of_user[log.users] >= 0))
    return segment_of_user[log.users], log.items, log.at


def _shares(segments: NDArray[np.int32], items: NDArray[np.int32], at: Values, shape: tuple[int, int]) -> Values:
    """(S, P) rows that add up to 1."""
    places = segments.astype(np.int64) * shape[1] + items
    counts = np.bincount(places, fade(at[-1] - at, HALF_LIFE_DAYS), shape[0] * shape[1]).reshape(shape)
    everybody = counts.sum(axis=0) / counts.sum()
    return np.asarray((counts + PRIOR * everybody) / (counts.sum(axis=1, keepdims=True) + PRIOR))


def _confidence(chances: Values, n: int) -> float:
    """Expectation maximisation of a mixture with an even chance."""
    weight = 0.5
    for _ in range(N_ROUNDS if len(chances) else 0):
        weight = float((weight * chances / (weight * chances + (1 - weight) / n)).mean())
    return weight


class SegmentTrend:
    name = "segment"

    def __init__(self, arrays: Arrays, positions: Positions, names: Sequence[str]) -> None:
        shares = np.asarray(arrays["shares"])
        known = np.flatnonzero(positions.rows >= 0)
        self._orders = [_best_first(share, known) for share in shares]
        self._shares = shares
        self._positions = positions
        self._confidence = float(arrays["confidence"][0])
        self._names = names

    def score(self, query: Query) -> Scored:
        """Shares of all that is allowed; nothing for somebody of no segment."""
        if not 0 <= query.segment < len(self._shares):
            return NOTHING
        share, order = self._shares[query.segment], self._orders[query.segment]
        rows = self._positions.rows[order]
        total = float(share[order] @ query.allowed[rows])
        if total <= 0:
            return NOTHING
        best = first_allowed(rows, query.allowed, query.n)
        scale = np.float32(self._confidence / total)

        def of(asked: Rows) -> Floats:
            places = self._positions.of(asked)
            return np.where(places >= 0, share[np.maximum(places, 0)] * scale, np.float32(np.nan))

        return Scored(rows[best], share[order[best]] * scale, of)

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        name = self._names[query.segment]
        return [Reason("people_like_you", f"Popular with people who shop like you: {name}", (name,)) for _ in rows]


def _best_first(share: Floats, known: NDArray[np.int64]) -> NDArray[np.int64]:
    some = known[share[known] > 0]
    return some[np.argsort(-share[some], kind="stable")]
