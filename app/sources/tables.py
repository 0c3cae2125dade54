"""Files as tables: column names, and rows with the place each has in its file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from app.domain.errors import InvalidInput
from app.sources.base import BATCH, Unread, need_duckdb

_ZONED = "TIMESTAMP WITH TIME ZONE"
_NONE: frozenset[str] = frozenset()


class Record(NamedTuple):
    line: int
    values: tuple[Any, ...]  # one for each column


class Table(Protocol):
    """`n_rows` may be an estimate; `in_utc` are the columns whose times are in UTC without saying so."""

    file: str
    in_utc: frozenset[str]
    columns: list[str]
    n_rows: int

    def records(self, together: str | None = None) -> Iterator[Record | Unread]:
        """Rows of one value of the column `together` stand together, where the format gives that for little."""


def open_table(path: Path) -> Table:
    """Raises InvalidInput for what is no CSV, JSONL or Parquet file."""
    kinds: dict[str, Callable[[Path], Table]] = {".parquet": ParquetTable, ".jsonl": JsonlTable, ".ndjson": JsonlTable}
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.", "Give the path of a CSV, JSONL or Parquet file.")
    if not path.stat().st_size:
        raise InvalidInput(f"{path} is empty.", "Give a file with at least one record.")
    return kinds.get(path.suffix.lower(), CsvTable)(path)


class ParquetTable:
    def __init__(self, path: Path) -> None:
        duckdb = need_duckdb()
        self.file = path.name
        self._db = duckdb.connect()
        try:
            self._db.read_parquet(str(path), file_row_number=True).create_view("records")
        except duckdb.Error as error:
            raise InvalidInput(f"{path} is not a Parquet file.", "Check that it was copied whole.") from error
        described = self._db.execute("DESCRIBE records").fetchall()
        self._types = {name: kind for name, kind, *_ in described if name != "file_row_number"}
        self.columns = list(self._types)
        self.in_utc = frozenset(name for name, kind in self._types.items() if kind == _ZONED)
        self.n_rows: int = self._db.execute("SELECT count(*) FROM records").fetchone()[0]

    def records(self, together: str | None = None) -> Iterator[Record | Unread]:
        columns = ", ".join(_selected(name, kind) for name, kind in self._types.items())
        order = f"ORDER BY {_quoted(together)}" if together else ""
        cursor = self._db.cursor()
        cursor.execute(f"SELECT file_row_number + 1, {columns} FROM records {order}")  # noqa: S608 -- names are quoted
        while rows := cursor.fetchmany(BATCH):
            for line, *values in rows:
                yield Record(line, tuple(values))


def _selected(name: str, kind: str) -> str:
    # duckdb needs pytz to hand out a time with a zone.
    return f"{_quoted(name)} AT TIME ZONE 'UTC'" if kind == _ZONED else _quoted(name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class CsvTable:
    """Separator, quotes and header are sniffed; a file that is not UTF-8 is read as Latin-1."""

    in_utc = _NONE

    def __init__(self, path: Path) -> None:
        self._path, self.file = path, path.name
        self._encoding = _encoding(path)
        self._separator, self._quote, self._has_header = _sniffed(path, self._encoding)
        first = next(self._lines(0))[1]
        self.columns = first if self._has_header else [f"column{place}" for place in range(1, len(first) + 1)]
        self.n_rows = _count_lines(path) - self._has_header

    def records(self, together: str | None = None) -> Iterator[Record | Unread]:  # noqa: ARG002 -- read as it lies
        width = len(self.columns)
        for line, fields in self._lines(int(self._has_header)):
            if len(fields) == width:
                yield Record(line, tuple(field or None for field in fields))
            elif fields:
                yield Unread(line, "malformed_line", f"The line has {len(fields)} fields, not {width}.")

    def _lines(self, n_skipped: int) -> Iterator[tuple[int, list[str]]]:
        with self._path.open(encoding=self._encoding, errors="replace", newline="") as file:
            reader = csv.reader((line.replace("\0", "") for line in file), **self._dialect())
            for fields in islice(reader, n_skipped, None):
                yield reader.line_num, fields

    def _dialect(self) -> dict[str, Any]:
        quoting = csv.QUOTE_MINIMAL if self._quote else csv.QUOTE_NONE
        return {"delimiter": self._separator, "quotechar": self._quote or None, "quoting": quoting}


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(1_000_000)
    try:
        head[: head.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _sniffed(path: Path, encoding: str) -> tuple[str, str, bool]:
    duckdb = need_duckdb()
    read_as = "latin-1" if encoding == "latin-1" else "utf-8"
    try:
        separator, quote, has_header = (
            duckdb.connect()
            .execute(
                "SELECT Delimiter, Quote, HasHeader FROM sniff_csv(?, encoding = ?, ignore_errors = true)",
                (str(path), read_as),
            )
            .fetchone()
        )
    except duckdb.Error as error:
        raise InvalidInput(
            f"{path} does not look like CSV.", "Known endings: .csv, .tsv, .jsonl, .ndjson, .parquet."
        ) from error
    # Without a quote in the sample there may still be one further down; in tab-separated files it means nothing.
    quote = quote if len(quote) == 1 else "" if separator == "\t" else '"'
    return separator, quote, has_header


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


class JsonlTable:
    """One JSON object a line; the columns are the names in the first 1,000 of them."""

    in_utc = _NONE

    def __init__(self, path: Path) -> None:
        self._path, self.file = path, path.name
        objects = (one for _, one in islice(self._objects(), 1_000) if isinstance(one, dict))
        self.columns = list(dict.fromkeys(name for one in objects for name in one))
        self.n_rows = _count_lines(path)
        if not self.columns:
            raise InvalidInput(f"{path} holds no JSON objects.", "Each line must be one JSON object.")

    def records(self, together: str | None = None) -> Iterator[Record | Unread]:  # noqa: ARG002 -- read as it lies
        for line, one in self._objects():
            if isinstance(one, dict):
                yield Record(line, tuple(one.get(name) for name in self.columns))
            else:
                yield Unread(line, "malformed_line", "The line is not a JSON object.")

    def _objects(self) -> Iterator[tuple[int, Any]]:
        with self._path.open(encoding="utf-8-sig", errors="replace") as file:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield line, _parsed(text)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
