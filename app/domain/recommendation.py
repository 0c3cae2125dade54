"""One request for recommendations and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Seen = Literal["exclude", "purchased", "include"]
Explain = Literal["none", "short", "full"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks for. `category` and `attributes` must all hold; `candidates` limits the choice to them."""

    limit: int = 20
    scenario: str | None = None
    category: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None
    seen: Seen = "exclude"
    diversity: float = 0.3
    explain: Explain = "short"
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is there. `evidence` holds ids of the items (or the words) it rests on."""

    code: str
    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recommended:
    item_id: str
    rank: int
    score: float
    source: str
    reason: Reason | None = None
    contributions: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Slate:
    """The ordered answer. `degraded` says a part was away; `fallback_reason` why it is not personal."""

    recommendation_id: str
    user_id: str | None
    scenario: str | None
    profile_version: int
    model_version: str
    generated_at: datetime
    degraded: bool
    fallback_reason: str | None
    items: tuple[Recommended, ...]
    timings_ms: dict[str, float] = field(default_factory=dict)
