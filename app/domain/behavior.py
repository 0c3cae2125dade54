"""What a user did: the accepted fact, and the same fact with a weight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Behavior:
    """An accepted fact, immutable. Unique by (user_id, behavior_id) for as long as it is kept.

    `timed` says that the sender gave `occurred_at`; a repeat may differ in a time that was filled in here.
    `flag` names why screening keeps it out of profiles and statistics: `robot` or `burst`.
    """

    user_id: str
    behavior_id: str
    type: str
    occurred_at: datetime
    timed: bool = True
    item_id: str | None = None
    text: str | None = None
    value: float | None = None
    recommendation_id: str | None = None
    session_id: str | None = None
    scenario: str | None = None
    context: dict[str, Any] | None = None
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A behaviour after cleaning, as the fold takes it.

    `seq` is its place in the user's own log (1, 2, ...); `at` is in seconds since 1970 (UTC); `weight` lies in
    [-1, 1], 0 means it counts but says nothing about taste; `embedding` is the raw float16 vector of `text`.
    """

    seq: int
    behavior_id: str
    type: str
    at: float
    weight: float
    item_id: str | None = None
    text: str | None = None
    embedding: bytes | None = None
    flagged: bool = False
