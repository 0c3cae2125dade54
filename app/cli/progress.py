"""Progress bars on a terminal; silence elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app.cli.voice import console
from app.services.import_records import Count, Kind
from app.sources.base import Source


class Bars:
    """One bar for items and one for behaviours, counted up to what the source expects."""

    def __init__(self, source: Source) -> None:
        columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn())
        rate = TextColumn("{task.fields[rate]:>10,.0f}/s")
        self._progress = Progress(*columns, rate, TimeRemainingColumn(), console=console(), transient=True)
        self._expected: dict[Kind, int] = {"items": source.n_items, "behaviors": source.n_behaviors}
        self._tasks: dict[Kind, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def advance(self, kind: Kind, count: Count) -> None:
        if kind not in self._tasks:
            self._tasks[kind] = self._progress.add_task(kind, total=self._expected[kind], rate=0.0)
        self._progress.update(self._tasks[kind], completed=count.read, rate=count.per_s)
