"""One cell of a table as one field of a record. What cannot be read stays as it is, for ingest to refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any

from app.sources.times import time_reader

Read = Callable[[Any], Any]

_TRUE = frozenset({"1", "true", "t", "yes", "y"})
_FALSE = frozenset({"0", "false", "f", "no", "n"})


def reader(name: str, sample: Sequence[Any], zone: tzinfo) -> Read:
    """What reads the cells of a column that holds the field `name`; `sample` are some of its values."""
    if name in {"occurred_at", "published_at"}:
        return _time(sample, zone)
    if name == "categories":
        return _words(sample)
    special: dict[str, Read] = {
        "value": _number,
        "available": _flag,
        "attributes": _object,
        "context": _object,
    }
    is_plain = all(isinstance(cell, str) and not cell.endswith(".0") for cell in sample)
    return special.get(name, str if is_plain else _text)


def _number(cell: Any) -> Any:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return cell


def _text(cell: Any) -> Any:
    """Ids are texts; a number that only looks broken (17850.0) loses its point."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, str):
        return cell[:-2] if cell.endswith(".0") and cell[:-2].isdecimal() else cell
    return cell if isinstance(cell, list | dict | bool) else str(cell)


def _time(sample: Sequence[Any], zone: tzinfo) -> Read:
    found = time_reader(sample, zone)

    def read(cell: Any) -> Any:
        try:
            return found(cell) if found else cell
        except (ValueError, TypeError, OverflowError):
            return str(cell)

    return read


def _words(sample: Sequence[Any]) -> Read:
    """Lists, JSON lists, or words between `|`, `;` or commas; a path with `>` is one category."""
    texts = [cell for cell in sample if isinstance(cell, str) and not cell.startswith("[")]
    mark = next((mark for mark in "|;" if any(mark in text for text in texts)), "")
    if not mark and not any(">" in text for text in texts):
        mark = ","

    def read(cell: Any) -> Any:
        if isinstance(cell, str):
            cell = _list(cell) or (cell.split(mark) if mark else [cell])
        if not isinstance(cell, list):
            return cell
        return list(dict.fromkeys(word.strip() for word in map(str, cell) if word.strip()))

    return read


def _list(cell: str) -> list[Any] | None:
    if not cell.startswith("["):
        return None
    try:
        found = json.loads(cell)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _flag(cell: Any) -> Any:
    word = str(cell).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else cell


def _object(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        return cell
