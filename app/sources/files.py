"""Any CSV, JSONL or Parquet files as a source: one or two of them, behaviours and items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from hashlib import blake2b
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from app.domain.errors import InvalidInput
from app.sources.base import Batch, Raw, Row, Unread, batched
from app.sources.cells import reader
from app.sources.guess import Columns, Plan, guess
from app.sources.tables import Record, Table, open_table

_SAMPLE = 1_000


class File:
    """One table and how it is read. `rating_max` is the scale that ratings are brought to."""

    def __init__(self, table: Table, wishes: Mapping[str, str], zone: tzinfo, rating_max: float) -> None:
        self.table = table
        self._records = [row for row in islice(table.records(), _SAMPLE) if isinstance(row, Record)]
        self.plan = guess(table.file, self._columns(), wishes)
        self._convert = _converter(self.plan, table, self._columns(), zone, rating_max)

    def sample(self, n: int) -> list[Raw]:
        """The first records as they would be posted."""
        return [self._convert(record.values) for record in self._records[:n]]

    def batches(self) -> Iterator[Batch]:
        rows = self.table.records(self.plan.fields.get("user_id"))
        return batched(
            self.table.file,
            (row if isinstance(row, Unread) else Row(row.line, self._convert(row.values)) for row in rows),
        )

    def _columns(self) -> Columns:
        by_column = zip(*(record.values for record in self._records), strict=True)
        present = [[value for value in values if value is not None] for values in by_column]
        return dict(zip(self.table.columns, present, strict=True)) if present else {}


class Files:
    """Items are read before behaviours, whatever the order of the paths."""

    name = "files"

    def __init__(self, paths: Sequence[Path], wishes: Mapping[str, str], zone: tzinfo, rating_max: float) -> None:
        self.files = [File(open_table(path), wishes, zone, rating_max) for path in paths]
        columns = {column for file in self.files for column in file.table.columns}
        missing = [column for name, column in wishes.items() if name != "type" and column not in columns]
        if missing:
            hint = f"Columns are {', '.join(sorted(columns))}."
            raise InvalidInput(f"No file has a column {missing[0]!r}.", hint)
        self.n_items, self.n_behaviors = (
            sum(file.table.n_rows for file in self._of(kind)) for kind in ("items", "behaviors")
        )

    def items(self) -> Iterator[Batch]:
        return (batch for file in self._of("items") for batch in file.batches())

    def behaviors(self) -> Iterator[Batch]:
        return (batch for file in self._of("behaviors") for batch in file.batches())

    def _of(self, kind: str) -> list[File]:
        return [file for file in self.files if file.plan.kind == kind]


def _converter(
    plan: Plan, table: Table, sample: Columns, zone: tzinfo, rating_max: float
) -> Callable[[tuple[Any, ...]], Raw]:
    """What makes a record of one row's values."""
    place = {column: number for number, column in enumerate(table.columns)}
    zones = dict.fromkeys(table.in_utc, UTC)
    fields = [
        (name, place[column], reader(name, sample[column], zones.get(column, zone)))
        for name, column in plan.fields.items()
    ]
    told = itemgetter(*(at for _, at, _ in fields))
    extras = [(column, place[column]) for column in plan.extras]
    scale = rating_max / plan.scale if plan.scale and plan.scale > rating_max else 1.0

    def item(values: tuple[Any, ...]) -> Raw:
        raw = {name: read(values[at]) for name, at, read in fields if values[at] is not None}
        if extras:
            raw["attributes"] = {column: values[at] for column, at in extras if values[at] is not None}
        return raw

    def behavior(values: tuple[Any, ...]) -> Raw:
        raw = {name: read(values[at]) for name, at, read in fields if values[at] is not None}
        raw.setdefault("type", plan.type)
        _settle(raw, scale)
        if "behavior_id" not in raw:
            raw["behavior_id"] = _derived_id(told(values))
        return raw

    return item if plan.kind == "items" else behavior


def _settle(raw: Raw, scale: float) -> None:
    """Ratings come to the scale of the service; a negative quantity is a return."""
    value = raw.get("value")
    if not isinstance(value, float):
        return
    if raw["type"] == "rating":
        raw["value"] = value * scale
    elif raw["type"] == "purchase" and value < 0:
        raw["type"], raw["value"] = "return", -value


def _derived_id(cells: Any) -> str:
    """The same for the same record, so that reading a file again adds nothing."""
    return "f-" + blake2b(repr(cells).encode(errors="replace"), digest_size=12).hexdigest()
