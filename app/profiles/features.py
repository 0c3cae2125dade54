"""Plain figures of a user: how active, how far along, and how often a look becomes more."""

from __future__ import annotations

from app.domain.profile import Rates, Stage
from app.profiles.fold import IMPRESSION, PURCHASE
from app.profiles.state import State

WARMING_FROM = 5
ESTABLISHED_FROM = 30


def n_interactions(state: State) -> int:
    """Everything the user did; what they were shown is not their doing."""
    return sum(state.counts.values()) - state.counts.get(IMPRESSION, 0)


def stage_of(state: State) -> Stage:
    n = n_interactions(state)
    if n < WARMING_FROM:
        return "new"
    return "warming" if n < ESTABLISHED_FROM else "established"


def rates_of(state: State) -> Rates:
    """Where no clicks are recorded, views stand for them. Rates end at 1: a purchase may come without a click."""
    counts = state.counts
    clicks = counts.get("click", 0) or counts.get("view", 0)
    return Rates(
        activity=n_interactions(state) / len(state.days) if state.days else 0.0,
        click=_ratio(clicks, counts.get(IMPRESSION, 0)),
        purchase=_ratio(counts.get(PURCHASE, 0), clicks),
    )


def _ratio(part: int, whole: int) -> float | None:
    return min(1.0, part / whole) if whole else None
