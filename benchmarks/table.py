"""The table: what was asked for beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """`at_least` and `aim` are bounds in `unit`: lower bounds, or upper ones where less is better."""

    what: str
    unit: str
    at_least: float
    aim: float | None = None
    less_is_better: bool = False

    def verdict(self, value: float) -> str:
        if not self._holds(value, self.at_least):
            return "MISSED"
        return "aim" if self.aim is not None and self._holds(value, self.aim) else "ok"

    def _holds(self, value: float, bound: float) -> bool:
        return value <= bound if self.less_is_better else value >= bound


@dataclass(frozen=True, slots=True)
class Row:
    """`ratio` is the value over the rate of the empty FastAPI route in the same minute, where that says something."""

    target: Target
    value: float
    ratio: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        return self.target.verdict(self.value) == "MISSED"


HEAD = "| what | at least | aim | measured | | of the empty route | notes |\n|---|---|---|---|---|---|---|"


def lines(rows: Iterable[Row]) -> str:
    """Markdown, as it goes into LOG.md."""
    return "\n".join([HEAD, *map(_line, rows)])


def _line(row: Row) -> str:
    target = row.target
    aim = "" if target.aim is None else number(target.aim)
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    cells = [
        target.what,
        f"{number(target.at_least)} {target.unit}",
        aim,
        f"**{number(row.value)}** {target.unit}",
        target.verdict(row.value),
        ratio,
        row.note,
    ]
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Three figures are enough: 12,300 · 4.56 · .78 as 0.78."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}"
