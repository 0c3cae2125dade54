"""What every source is: items first, then behaviours, in batches of one request's size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from app.domain.errors import InvalidInput

BATCH = 10_000
Raw = dict[str, Any]


class Row(NamedTuple):
    """One record: `line` is its place in the file, counted from 1 (in Parquet: the row)."""

    line: int
    raw: Raw


class Unread(NamedTuple):
    """A line that is no record at all, and why."""

    line: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    file: str
    rows: list[Row]
    unread: list[Unread]


class Source(Protocol):
    """`n_items` and `n_behaviors` are what a progress bar counts up to."""

    name: str
    n_items: int
    n_behaviors: int

    def items(self) -> Iterator[Batch]: ...

    def behaviors(self) -> Iterator[Batch]:
        """In batches that end with a user where they can: two batches written at once then share no user."""


def batched(file: str, rows: Iterable[Row | Unread], size: int = BATCH) -> Iterator[Batch]:
    """Cuts rows into batches of at most `size`, after 80 % of it wherever the user changes."""
    batch = Batch(file, [], [])
    user: object = None
    for row in rows:
        if isinstance(row, Unread):
            batch.unread.append(row)
            continue
        n, previous, user = len(batch.rows), user, row.raw.get("user_id")
        if n == size or (n >= size * 0.8 and user != previous):
            yield batch
            batch = Batch(file, [], [])
        batch.rows.append(row)
    if batch.rows or batch.unread:
        yield batch


def need_duckdb() -> Any:
    """The module `duckdb`. Raises InvalidInput where the extra is not installed."""
    try:
        import duckdb
    except ImportError as error:
        raise InvalidInput("Reading files needs duckdb.", "Run: pip install 'portrait[import]'") from error
    return duckdb
