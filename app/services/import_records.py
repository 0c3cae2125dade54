"""A source's items and behaviours enter as if they had been posted; what is refused is told line by line."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from app.domain.errors import Fault, PortraitError
from app.ingest.clean import clean
from app.ingest.clean_item import clean_item
from app.ingest.rules import IngestRules
from app.services.context import Context
from app.services.manage_items import put_items
from app.services.record_behaviors import record_behaviors
from app.sources.base import Batch, Raw, Source

Kind = Literal["items", "behaviors"]


@dataclass(slots=True)
class Count:
    """Records of one kind. `known` were stored before, exactly so; `rejected` are counted by code in `reasons`."""

    read: int = 0
    added: int = 0
    known: int = 0
    rejected: int = 0
    seconds: float = 0.0

    @property
    def per_s(self) -> float:
        return self.read / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Report:
    items: Count = field(default_factory=Count)
    behaviors: Count = field(default_factory=Count)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: dict[str, str] = field(default_factory=dict)  # by code, one example each

    def of(self, kind: Kind) -> Count:
        return self.items if kind == "items" else self.behaviors


class Rejects:
    """A JSON line for every refused record: file, line, code, reason, hint and the record itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()

    def add(self, file: str, line: int, fault: Fault, record: object = None) -> None:
        """The file is made with the first line."""
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        told = {"file": file, "line": line, "code": fault.code, "pointer": fault.pointer, "reason": fault.detail}
        told |= {"hint": fault.hint, "record": record}
        self._file.write(json.dumps(told, ensure_ascii=True, default=str) + "\n")


Watch = Callable[[Kind, Count], None]


async def import_records(ctx: Context, source: Source, rejects: Rejects, watch: Watch) -> Report:
    """Items first. Safe to repeat, and to go on with after an interruption. Raises `Unavailable`."""
    report = Report()

    async def put(batch: Batch) -> list[_Refused]:
        receipt = await put_items(ctx, _raws(batch))
        report.items.added += receipt.changed
        report.items.known += receipt.accepted - receipt.changed
        return [_refused(fault) for fault in receipt.rejected]

    async def record(batch: Batch) -> list[_Refused]:
        receipt = await record_behaviors(ctx, _raws(batch))
        report.behaviors.added += receipt.accepted
        report.behaviors.known += receipt.duplicates
        # This process holds no catalogue, so it would call every item unknown.
        for warning in (one for one in receipt.warnings if one.code != "item_unknown"):
            report.warnings.setdefault(warning.code, f"{warning.detail} {warning.hint}")
        return [_refused(one.fault) for one in receipt.rejected]

    await _run(_Pass("items", source.items(), put, 1), report, rejects, watch)
    # The second batch is read and cleaned while Postgres stores the first one.
    await _run(_Pass("behaviors", source.behaviors(), record, 2), report, rejects, watch)
    return report


async def check_records(rules: IngestRules, now: datetime, source: Source, rejects: Rejects, watch: Watch) -> Report:
    """As `import_records`, but stores nothing: `added` is what would be sent."""
    report = Report()

    def check(kind: Kind, one: Callable[[object], object]) -> Callable[[Batch], Awaitable[list[_Refused]]]:
        async def work(batch: Batch) -> list[_Refused]:
            cleaned = [one(raw) for raw in _raws(batch)]
            bad = [(index, faults) for index, faults in enumerate(cleaned) if isinstance(faults, tuple)]
            report.of(kind).added += len(cleaned) - len(bad)
            return [_Refused(index, fault) for index, faults in bad for fault in faults]

        return work

    await _run(_Pass("items", source.items(), check("items", clean_item), 1), report, rejects, watch)
    clean_one = check("behaviors", lambda raw: clean(raw, rules, now))
    await _run(_Pass("behaviors", source.behaviors(), clean_one, 1), report, rejects, watch)
    return report


@dataclass(frozen=True, slots=True)
class _Refused:
    """`index` is the place in the batch, the fault's pointer is relative to the record."""

    index: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class _Pass:
    kind: Kind
    batches: Iterator[Batch]
    work: Callable[[Batch], Awaitable[list[_Refused]]]
    n_in_flight: int


async def _run(one: _Pass, report: Report, rejects: Rejects, watch: Watch) -> None:
    started, turn, count = time.monotonic(), asyncio.Lock(), report.of(one.kind)

    async def worker() -> None:
        while True:
            async with turn:
                batch = await asyncio.to_thread(next, one.batches, None)
            if batch is None:
                return
            refused = await one.work(batch) if batch.rows else []
            count.read += len(batch.rows) + len(batch.unread)
            count.rejected += len({each.index for each in refused}) + len(batch.unread)
            count.seconds = time.monotonic() - started
            _note(batch, refused, report, rejects)
            watch(one.kind, count)

    try:
        with _rare_collection():
            async with asyncio.TaskGroup() as group:
                for _ in range(one.n_in_flight):
                    group.create_task(worker())
    except* PortraitError as failed:
        raise failed.exceptions[0] from None


@contextmanager
def _rare_collection() -> Iterator[None]:
    """A batch makes about 100,000 objects that die with it; looking for cycles among them costs a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _note(batch: Batch, refused: list[_Refused], report: Report, rejects: Rejects) -> None:
    for line, reason, detail in batch.unread:
        report.reasons[reason] += 1
        rejects.add(batch.file, line, Fault(reason, "", detail, ""))
    for each in refused:
        report.reasons[each.fault.code] += 1
        line, raw = batch.rows[each.index]
        rejects.add(batch.file, line, each.fault, raw)


def _raws(batch: Batch) -> list[Raw]:
    return [raw for _, raw in batch.rows]


def _refused(fault: Fault) -> _Refused:
    """`/3/occurred_at` of a batch -> the record 3 and `/occurred_at`."""
    _, index, *rest = fault.pointer.split("/")
    return _Refused(int(index), replace(fault, pointer="".join(f"/{part}" for part in rest)))
