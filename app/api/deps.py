"""What handlers take: the parts of this process, and checked ids, times and lists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.api.cursors import Cursors
from app.domain.limits import DEFAULT_PAGE, MAX_ID, MAX_PAGE
from app.ingest.ids import is_id
from app.ingest.moments import read_moment
from app.services.catch_up import CatchUp
from app.services.context import Context


# `async`, because FastAPI runs a plain function in a thread, which costs more than most answers here.
async def _context(request: Request) -> Context:
    return cast(Context, request.app.state.context)


async def _catch_up(request: Request) -> CatchUp:
    return cast(CatchUp, request.app.state.catch_up)


async def _keys_catch_up(request: Request) -> CatchUp:
    return cast(CatchUp, request.app.state.keys_catch_up)


async def _cursors(request: Request) -> Cursors:
    return cast(Cursors, request.app.state.cursors)


Ctx = Annotated[Context, Depends(_context)]
CatchUpNow = Annotated[CatchUp, Depends(_catch_up)]
KeysCatchUpNow = Annotated[CatchUp, Depends(_keys_catch_up)]
Listing = Annotated[Cursors, Depends(_cursors)]


def _read_id(value: object) -> str:
    if isinstance(value, str) and is_id(value):
        return value
    raise PydanticCustomError("invalid_id", "This is not an id.")


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise PydanticCustomError("string_unicode", "This text holds NUL.")
    return value


def split_commas(value: Any) -> Any:
    """`include=a,b&include=c` -> [a, b, c]; only for words that hold no comma themselves."""
    parts = value if isinstance(value, list) else [value]
    return [word.strip() for part in parts for word in part.split(",")] if all(map(_is_text, parts)) else value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_ID_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID,
    "pattern": r"^[^/\\\s\u0000-\u001f\u007f-\u009f]+$",
}

Id = Annotated[str, PlainValidator(_read_id), WithJsonSchema({**_ID_SCHEMA, "examples": ["u-17"]})]
Text = Annotated[str, AfterValidator(_without_nul)]
At = Annotated[datetime, PlainValidator(read_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
SplitAtCommas = BeforeValidator(split_commas)

UserId = Annotated[Id, Path(description="Your id of the user.", examples=["household-1"])]
ItemId = Annotated[Id, Path(description="Your id of the item.", examples=["product-819312"])]


class Page(BaseModel):
    """One page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Entries a page.")] = DEFAULT_PAGE
    cursor: Annotated[Text | None, Query(max_length=2_000, description="`next` of the page before.")] = None
