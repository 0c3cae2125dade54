"""What came of recommendations, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

By = Literal["scenario", "source", "model", "variant"]

CLICKS = ("click", "view", "watch")
PURCHASES = ("purchase",)
# Later than that, it is hardly the recommendation that was followed.
WITHIN = timedelta(days=7)


class Figures(NamedTuple):
    """Counts of one key (None: of what has none) at one place of the slate, from 1; 0 is all places together.

    `n_clicked` and `n_purchased` count items that were shown and followed, each once a slate.
    """

    key: str | None
    position: int
    n_slates: int
    n_shown: int
    n_clicked: int
    n_purchased: int


class Rate(NamedTuple):
    """A share with the bounds between which the true one lies, 95 times of 100; None where nothing was shown."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Outcome:
    figures: Figures
    click_through: Rate | None
    purchase_rate: Rate | None
    positions: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribution:
    """`groups`, those with most items shown first, of slates made in [since, until)."""

    since: datetime
    until: datetime
    by: By
    groups: tuple[Outcome, ...]
