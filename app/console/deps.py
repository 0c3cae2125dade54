"""What pages take: the parts of this process, and checked ids and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, cast

from fastapi import Depends, Request
from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from app.ingest.ids import is_id
from app.ingest.moments import read_moment
from app.services.context import Context


async def _context(request: Request) -> Context:
    return cast(Context, request.app.state.context)


def _read_id(value: object) -> str:
    if isinstance(value, str) and is_id(value):
        return value
    raise PydanticCustomError("invalid_id", "This is not an id.")


def read_at(value: object) -> datetime | None:
    """A moment, or the end of a day (`2026-11-24`); nothing for an empty field."""
    if value in (None, ""):
        return None
    if isinstance(value, str) and len(value) == 10:
        return _end_of(value)
    return read_moment(value)


def _end_of(day: str) -> datetime:
    try:
        return datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1, microseconds=-1)
    except (ValueError, OverflowError):
        raise PydanticCustomError("invalid_time", "This is not a day.") from None


def _read_name(value: object) -> str | None:
    """A name, or nothing for an empty field."""
    return None if value in (None, "") else _read_id(value)


Ctx = Annotated[Context, Depends(_context)]
Id = Annotated[str, PlainValidator(_read_id)]
Name = Annotated[str | None, PlainValidator(_read_name)]
At = Annotated[datetime | None, PlainValidator(read_at)]
