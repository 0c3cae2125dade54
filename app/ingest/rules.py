"""What ingest goes by; settings may change every number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.ingest.weigh import Weights


@dataclass(frozen=True, slots=True)
class IngestRules:
    """`retention_days` and `future_minutes` are the window of accepted times around the server's clock.

    `retention` are the days for which behaviours of some types are kept, where that is shorter.
    """

    weights: Weights = field(default_factory=Weights)
    retention_days: float = 36_500.0  # public data sets begin in the 1990s
    future_minutes: float = 5.0
    burst_per_minute: int = 600  # a real basket holds up to about 200 lines of one minute
    robot_per_day: int = 20_000
    unknown_items: Literal["accept", "refuse"] = "accept"
    retention: Mapping[str, float] = field(default_factory=dict)

    def days_of(self, type_: str) -> float:
        """How old a behaviour of a type may be."""
        return min(self.retention_days, self.retention.get(type_, self.retention_days))
