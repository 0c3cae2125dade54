"""Buy it again: what the user buys, how often, and whether it is due."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Rows
from app.domain.recommendation import Reason
from app.profiles.decay import DAY_S
from app.retrieval.base import NOTHING, Habits, Query, Scored
from app.retrieval.select import best_of, only, shares
from app.retrieval.words import ago, days

# Bought once: it is taken to come back after twice the time that it has been away, two weeks at least.
FIRST_PERIOD_S = 14 * DAY_S
POWER = 1.5


class BuyAgain:
    name = "habits"

    def score(self, query: Query) -> Scored:
        """Strength x how due it is. Items whose turn comes back count from a tenth of their period on.

        NDCG@10 of the next purchase, groceries / UCI retail: number of purchases .065 / .035, faded .071 / .034,
        this .084 / .050. Whatever lies in the basket already is what lifts it most.
        """
        habits = query.habits
        here = np.flatnonzero(query.allowed[habits.rows])
        if not here.size:
            return NOTHING
        scores = (habits.strength * dueness(habits, query.now)).astype(np.float32)
        return shares(best_of(habits.rows[here], scores[here], query.n, only(habits.rows, scores)), POWER)

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        habits = query.habits
        since, every = query.now - habits.last_at, periods(habits, query.now)
        places = [int(np.flatnonzero(habits.rows == row)[0]) for row in rows]
        return [_reason(habits.n_purchases[place], since[place], every[place]) for place in places]


def _reason(n_purchases: int, ago_s: float, period_s: float) -> Reason:
    if n_purchases < 2:
        return Reason("buy_again", f"You bought it {ago(ago_s)}")
    period = days(period_s).removeprefix("1 ")
    return Reason("buy_again", f"You buy it about every {period}; the last time was {ago(ago_s)}")


def periods(habits: Habits, now: float) -> NDArray[np.float64]:
    """(N,) seconds between two purchases, on average; a day at least."""
    n_gaps = np.maximum(habits.n_purchases - 1, 1)
    repeated = np.maximum((habits.last_at - habits.first_at) / n_gaps, DAY_S)
    once = np.maximum(2 * (now - habits.last_at), FIRST_PERIOD_S)
    return np.where(habits.n_purchases > 1, repeated, once)


def dueness(habits: Habits, now: float) -> NDArray[np.float64]:
    """(N,) in [0, 1]: nothing right after a purchase, 1 around the usual time, fading when it stays away for long."""
    share = np.maximum(now - habits.last_at, 0.0) / periods(habits, now)
    faded: NDArray[np.float64] = np.minimum(1.0, 10 * share) / np.sqrt(np.maximum(share, 1.0))
    return faded
