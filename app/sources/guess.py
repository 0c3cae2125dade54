"""Which column is what: guessed from its name, held against its values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from app.domain.errors import InvalidInput
from app.ingest.weigh import BUILT_IN, RATING
from app.sources.times import time_reader

Kind = Literal["behaviors", "items"]
Columns = Mapping[str, Sequence[Any]]  # by name: the values of a sample that are there

_ITEM = (
    "item itemid product productid sku stockcode article articleid movie movieid film filmid book bookid isbn song "
    "songid track trackid asin parentasin contentid"
)
_NAMES: dict[Kind, dict[str, str]] = {
    "behaviors": {
        "user_id": "user userid uid customer customerid client clientid member memberid household householdid visitor "
        "visitorid account accountid person personid reviewer reviewerid",
        "item_id": _ITEM,
        "type": "type eventtype event action behavior behaviour behaviortype interaction interactiontype activity",
        "occurred_at": "occurredat timestamp time datetime ts at eventtime createdat created when date invoicedate "
        "orderdate transactiontimestamp transactiondate",
        "value": "value rating score stars overall quantity qty amount",
        "text": "text review reviewtext comment query searchterm searchquery tag body",
        "behavior_id": "behaviorid behaviourid eventid reviewid",
        "session_id": "sessionid session orderid order ordernumber invoiceno invoice invoicenumber basketid basket "
        "visitid",
        "recommendation_id": "recommendationid",
        "scenario": "scenario",
        "context": "context",
    },
    "items": {
        "item_id": f"{_ITEM} id",
        "title": "title name productname itemname label movietitle",
        "description": "description desc summary overview plot abstract",
        "categories": "categories category genres genre maincategory department tags topics",
        "attributes": "attributes",
        "domain": "domain",
        "available": "available instock isavailable active",
        "published_at": "publishedat published publicationdate releasedate released",
    },
}
_SHORT = {"user": "user_id", "item": "item_id", "time": "occurred_at", "session": "session_id", "id": "behavior_id"}
_BOUGHT = frozenset({"quantity", "qty", "unitprice", "price", "invoiceno", "invoice", "orderid", "order", "basketid"})
_RATED = frozenset({"rating", "score", "stars", "overall"})
_SCALES = (5.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How one file is read: `fields` names a column for each field, `extras` columns that become attributes.

    `type` stands for behaviours that have no column for it; `scale` is the top of the scale of ratings.
    """

    kind: Kind
    fields: dict[str, str]
    extras: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    type: str | None = None
    scale: float | None = None


def guess(file: str, columns: Columns, wishes: Mapping[str, str]) -> Plan:
    """`wishes` are what a person said: a field and its column (`user_id`: `customer_no`), or `type` and a word.

    Raises InvalidInput when the file can be read neither as behaviours nor as items.
    """
    behaviors = _named("behaviors", columns, wishes) or _without_header(columns)
    if "user_id" in behaviors and behaviors.keys() & {"item_id", "text"}:
        word = wishes.get("type")
        return _behaviors(behaviors, columns, None if word in columns else word)
    items = _named("items", columns, wishes)
    if "item_id" in items and items.keys() & {"title", "description", "categories"}:
        return _items(items, columns)
    raise InvalidInput(
        f"{file} holds neither behaviours (a user, and an item or a text) nor items (an id and a title).",
        f"Name its columns with --map user=...,item=...,time=...; it has {', '.join(columns)}.",
    )


def wishes_of(text: str) -> dict[str, str]:
    """`user=customer,item=sku` -> field and column. Raises InvalidInput for a field that does not exist."""
    wishes = {}
    known = {name for names in _NAMES.values() for name in names}
    for pair in filter(None, text.split(",")):
        name, _, column = (part.strip() for part in pair.partition("="))
        name = _SHORT.get(name, name)
        if name not in known or not column:
            near = get_close_matches(name, [*known, *_SHORT], 1)
            hint = f"Did you mean {near[0]}?" if near else f"Fields are {', '.join(sorted(known))}."
            raise InvalidInput("--map takes pairs of field=column, separated by commas.", hint)
        wishes[name] = column
    return wishes


def _named(kind: Kind, columns: Columns, wishes: Mapping[str, str]) -> dict[str, str]:
    fields = {name: wishes[name] for name in _NAMES[kind] if wishes.get(name) in columns}
    plain = {re.sub(r"[^a-z0-9]", "", column.lower()): column for column in reversed(list(columns))}
    for name, synonyms in _NAMES[kind].items():
        candidates = [plain[word] for word in synonyms.split() if word in plain]
        fitting = [
            column for column in candidates if column not in fields.values() and _fits(name, column, columns[column])
        ]
        if fitting and name not in fields:
            fields[name] = fitting[0]
    return fields


def _without_header(columns: Columns) -> dict[str, str]:
    """Columns that say nothing by their names: the first two that are neither time nor value are user and item."""
    fields: dict[str, str] = {}
    for column, values in columns.items():
        if "occurred_at" not in fields and time_reader(values):
            fields["occurred_at"] = column
        elif "value" not in fields and _fits("value", column, values) and len(set(values)) <= 11 < len(values):
            fields["value"] = column
    rest = [column for column in columns if column not in fields.values()]
    is_bare = all(re.fullmatch(r"column\d+", column) for column in columns)
    return fields | dict(zip(("user_id", "item_id"), rest, strict=False)) if is_bare and len(rest) > 1 else {}


def _fits(name: str, column: str, values: Sequence[Any]) -> bool:
    if name in {"occurred_at", "published_at"}:
        return time_reader(values) is not None
    if name == "value":
        return all(number(value) is not None for value in values)
    if name == "type":
        return len({str(value) for value in values}) <= 30
    return bool(values) or column == name


def number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _behaviors(fields: dict[str, str], columns: Columns, word: str | None) -> Plan:
    free = [column for column in columns if column not in fields.values()]
    times = [column for column in free if time_reader(columns[column])]
    if times:
        fields.setdefault("occurred_at", times[0])
    types = [column for column in free if _are_types(columns[column])]
    if types and not word:
        fields.setdefault("type", types[0])
    kind = None if "type" in fields else word or _type_of(fields, columns)
    is_rated = kind == RATING or RATING in {str(value) for value in columns.get(fields.get("type", ""), ())}
    return Plan(
        "behaviors",
        fields,
        unused=tuple(column for column in columns if column not in fields.values()),
        type=kind,
        scale=_scale(columns[fields["value"]]) if is_rated and "value" in fields else None,
    )


def _are_types(values: Sequence[Any]) -> bool:
    words = {str(value) for value in values}
    return bool(words) and len(words & BUILT_IN.keys()) >= 0.8 * len(words)


def _type_of(fields: dict[str, str], columns: Columns) -> str:
    """What people did, when no column says so: rated where there are stars, bought where there are quantities."""
    names = {re.sub(r"[^a-z0-9]", "", column.lower()) for column in columns}
    value = fields.get("value", "")
    if names & _RATED or (value.startswith("column") and not names & _BOUGHT):
        return RATING
    if names & _BOUGHT:
        return "purchase"
    return "view" if "item_id" in fields else "comment"


def _scale(values: Sequence[Any]) -> float:
    top = max((number(value) or 0.0 for value in values), default=0.0)
    return next((scale for scale in _SCALES if top <= scale), top)


def _items(fields: dict[str, str], columns: Columns) -> Plan:
    free = [column for column in columns if column not in fields.values()]
    extras = () if "attributes" in fields else tuple(column for column in free if _tells(columns[column]))
    return Plan("items", fields, extras, tuple(column for column in free if column not in extras))


def _tells(values: Sequence[Any]) -> bool:
    """An attribute says something of several items, shortly; a text that nearly every item has for itself does not."""
    if not values or any(not isinstance(value, str | int | float | bool) for value in values):
        return False
    texts = [value for value in values if isinstance(value, str)]
    return not texts or (max(map(len, texts)) <= 100 and len(set(texts)) <= max(1, len(texts) / 2))
