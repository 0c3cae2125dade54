"""Competitors that only count: hard to beat where releases or habits drive what happens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.evaluation.baselines.past import fading
from app.evaluation.events import Events, Floats
from app.evaluation.replay import History

DAY_S = 86_400.0


class Popular:
    """Most behaviours in the last `days` before the fit, or ever. Equals in the window go by overall counts."""

    def __init__(self, days: float | None = None) -> None:
        self._days = days
        self._scores: Floats = np.empty(0, dtype=np.float32)

    def fit(self, events: Events) -> None:
        wanted = events.wanted()
        overall = np.bincount(wanted.items, minlength=events.n_items)
        recent = np.zeros_like(overall)
        if self._days is not None and len(events):
            since = wanted.row_at(float(events.at[-1]) - self._days * DAY_S)
            recent = np.bincount(wanted.items[since:], minlength=events.n_items)
        self._scores = (recent + _below_one(overall)).astype(np.float32)

    def score(self, history: History) -> Floats:  # noqa: ARG002  # the same for everybody
        return self._scores


class PersonalFrequency:
    """What this user had most often (with `tau`: lately), then what everybody had.

    GP-TopFreq of Li, Jullien, Ariannezhad, de Rijke, "A Next Basket Recommendation Reality Check" (TOIS 2023).
    """

    def __init__(self, tau: float | None = None) -> None:
        self.tau = tau
        self._fallback: Floats = np.empty(0, dtype=np.float32)

    def fit(self, events: Events) -> None:
        counts = np.bincount(events.wanted().items, minlength=events.n_items)
        self._fallback = _below_one(counts).astype(np.float32)

    def score(self, history: History) -> Floats:
        wanted = history.items[history.weights > 0]
        n = len(self._fallback)
        had = np.bincount(wanted, minlength=n) > 0
        own = np.bincount(wanted[::-1], weights=fading(len(wanted), self.tau), minlength=n)
        # a decayed sum may be as small as a popular item's share, so what the user had is lifted above the rest
        return np.asarray(np.where(had, 1.0 + own, self._fallback), dtype=np.float32)


def _below_one(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(counts / (counts.max(initial=0) + 1.0))
