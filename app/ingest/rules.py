"""What ingest goes by; settings may change every number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from app.ingest.weigh import Weights


@dataclass(frozen=True, slots=True)
class IngestRules:
    """`retention_days` and `future_minutes` are the window of accepted times around the server's clock."""

    weights: Weights = field(default_factory=Weights)
    retention_days: float = 36_500.0  # public data sets begin in the 1990s
    future_minutes: float = 5.0
    burst_per_minute: int = 600  # a real basket holds up to about 200 lines of one minute
    robot_per_day: int = 20_000
    unknown_items: Literal["accept", "refuse"] = "accept"
