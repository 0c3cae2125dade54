"""What the service believes about a user, as it is shown and as it ranks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.domain.edit import HeldEdit

Stage = Literal["new", "warming", "established"]
Horizon = Literal["long", "short", "both"]
Trend = Literal["rising", "steady", "falling"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A behaviour that stands behind a claim."""

    behavior_id: str
    type: str
    occurred_at: datetime
    item_id: str | None = None
    title: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Interest:
    """A facet the user turns to (or away from, among `avoids`).

    `weight` is its share of the user's attention (interests) or of their refusals (avoids), in [0, 1]. `n_evidence`
    behaviours speak for it; the items behind it were bought `n_purchases` times.
    """

    facet: str
    label: str
    weight: float
    horizon: Horizon
    trend: Trend
    n_evidence: int
    last_at: datetime
    edited: bool = False
    evidence: tuple[Evidence, ...] = ()
    n_purchases: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """Something the user said in words: a search, a comment, a wish."""

    text: str
    type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rates:
    """`activity` in behaviours per active day; `click` per impression and `purchase` per click, None without any."""

    activity: float
    click: float | None
    purchase: float | None


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing the summary says, with the facet or the item it is about and behaviours behind it (when asked).

    `name` is what the text calls that, in the words of the catalogue or the user; a claim without facet and item is
    about all behaviours, or those of one `type`.
    """

    text: str
    facet: str | None = None
    item_id: str | None = None
    evidence: tuple[Evidence, ...] = ()
    name: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """`text` says the `claims` in sentences; `evidence` holds the newest behaviours behind all of them."""

    text: str
    generated_by: str
    evidence: tuple[Evidence, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """A turn from some facets to others since the first of the latest behaviours that are unlike those before.

    `score` lies in [0, 1]: from a turn that may be chance to a certain one.
    """

    score: float
    since_at: datetime
    from_facets: tuple[str, ...]
    to_facets: tuple[str, ...]
    from_labels: tuple[str, ...]
    to_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    user_id: str
    version: int
    updated_at: datetime
    stage: Stage
    summary: Summary
    interests: tuple[Interest, ...]
    avoids: tuple[Interest, ...]
    statements: tuple[Statement, ...]
    rates: Rates
    counts: dict[str, int]
    consent: bool
    segment: str | None = None
    topics: tuple[str, ...] = ()
    drift: Drift | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    edits: tuple[HeldEdit, ...] = ()
