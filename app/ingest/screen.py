"""Robots and bursts: more behaviours than a person can have, judged by when they are said to have occurred.

Flagged behaviours are kept in the log, out of profiles and statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.ingest.rules import IngestRules

MINUTE_S = 60
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Pace:
    """How many behaviours fell into a user's latest minute and latest day, both counted since 1970."""

    minute_no: int
    n_minute: int
    day_no: int
    n_day: int


def screen(pace: Pace | None, at: Sequence[float], rules: IngestRules) -> list[str | None]:
    """The flag of each behaviour of one user: `burst`, `robot` or None. `at` are their times in seconds since 1970.

    `pace` is what was stored of the user before; earlier minutes and days than its own are counted in the batch only.
    """
    minutes, days = ({pace.minute_no: pace.n_minute}, {pace.day_no: pace.n_day}) if pace else ({}, {})
    flags: list[str | None] = []
    for moment in at:
        n_minute = _count(minutes, int(moment // MINUTE_S))
        n_day = _count(days, int(moment // DAY_S))
        robot, burst = n_day > rules.robot_per_day, n_minute > rules.burst_per_minute
        flags.append("robot" if robot else "burst" if burst else None)
    return flags


def _count(counts: dict[int, int], number: int) -> int:
    counts[number] = counts.get(number, 0) + 1
    return counts[number]
