"""A raw JSON value becomes an item, or a change of one, or the faults that keep it from being that."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.domain.errors import Fault
from app.domain.item import Item, Scalar
from app.domain.limits import (
    MAX_ATTRIBUTE_NAME,
    MAX_ATTRIBUTE_TEXT,
    MAX_ATTRIBUTES,
    MAX_CATEGORIES,
    MAX_CATEGORY,
    MAX_DESCRIPTION,
    MAX_ERRORS,
    MAX_ID,
    MAX_TITLE,
)
from app.ingest.faults import faults_of, has_lone_surrogate, nul_fault, safe_name
from app.ingest.ids import id_fault
from app.ingest.moments import Moment


def _scalar(value: object) -> Scalar:
    """One validator instead of a union of four, which would report four faults and take 2**63 as a float."""
    if isinstance(value, str):
        if len(value) > MAX_ATTRIBUTE_TEXT:
            raise PydanticCustomError("string_too_long", f"Use at most {MAX_ATTRIBUTE_TEXT} characters.")
        if has_lone_surrogate(value):
            raise PydanticCustomError("string_unicode", "This is not Unicode.")
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    if isinstance(value, int | float):
        raise PydanticCustomError("finite_number", "Use finite numbers, whole ones of up to 64 bits.")
    raise PydanticCustomError("scalar_type", "Attributes hold texts, numbers, true or false.")


_Name = Annotated[str, Field(min_length=1, max_length=MAX_ATTRIBUTE_NAME)]
_Value = Annotated[
    str | bool | int | float,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["string", "boolean", "integer", "number"]}),
]
_Category = Annotated[str, Field(min_length=1, max_length=MAX_CATEGORY)]


class ItemPatch(BaseModel):
    """What may change of an item; a field that is not sent stays as it is, null empties it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Annotated[str, Field(max_length=MAX_TITLE)] | None = None
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION)] | None = None
    categories: Annotated[
        Annotated[list[_Category], Field(max_length=MAX_CATEGORIES)] | None,
        Field(description="Words, or paths: `Grocery > Frozen pizza`."),
    ] = None
    attributes: Annotated[
        Annotated[dict[_Name, _Value], Field(max_length=MAX_ATTRIBUTES)] | None,
        Field(description="A flat object; short texts become facets, as `brand:private`."),
    ] = None
    domain: Annotated[str, Field(max_length=MAX_ID)] | None = None
    available: Annotated[bool | None, Field(description="false: kept, never recommended.")] = None
    published_at: Annotated[Moment | None, Field(description="Left out: unknown.")] = None


class ItemIn(ItemPatch):
    """What can be recommended. `categories` are words or paths, as `Grocery > Frozen pizza`."""

    model_config = ConfigDict(title="Item")

    # One more than is accepted, so that an id that is too long gets the fault of an id.
    item_id: Annotated[str, Field(max_length=MAX_ID * 8, json_schema_extra={"minLength": 1, "maxLength": MAX_ID})]


def clean_item(raw: object, most_faults: int = MAX_ERRORS) -> Item | tuple[Fault, ...]:
    """`raw` is a parsed JSON value; pointers are relative to it."""
    try:
        sent = ItemIn.model_validate(raw)
    except ValidationError as error:
        return faults_of(error, ItemIn.model_fields, most_faults)
    faults = (*filter(None, [id_fault(sent.item_id, "/item_id")]), *_nul_faults(sent))
    return faults or Item(item_id=sent.item_id, **_fields(sent))


def clean_item_patch(raw: object) -> dict[str, Any] | tuple[Fault, ...]:
    """Only what was sent, by field of `Item`."""
    try:
        sent = ItemPatch.model_validate(raw)
    except ValidationError as error:
        return faults_of(error, ItemPatch.model_fields)
    changes = _fields(sent)
    return tuple(_nul_faults(sent)) or {name: changes[name] for name in sent.model_fields_set}


def _fields(sent: ItemPatch) -> dict[str, Any]:
    return {
        "title": sent.title or "",
        "description": sent.description or "",
        "categories": tuple(sent.categories or ()),
        "attributes": sent.attributes or {},
        "domain": sent.domain,
        "available": sent.available is not False,
        "published_at": sent.published_at,
    }


def _nul_faults(sent: ItemPatch) -> Iterator[Fault]:
    texts = {"/title": sent.title, "/description": sent.description, "/domain": sent.domain}
    texts |= {f"/categories/{place}": word for place, word in enumerate(sent.categories or ())}
    for name, value in (sent.attributes or {}).items():
        texts[f"/attributes/{safe_name(name)}"] = name + value if isinstance(value, str) else name
    yield from (nul_fault(pointer) for pointer, text in texts.items() if text and "\x00" in text)
