"""The catalogue, as its owner keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.errors import Fault, InvalidInput, NotFound
from app.domain.item import Item
from app.ingest.clean_item import clean_item, clean_item_patch
from app.ingest.faults import told_of_next
from app.services.context import Context
from app.storage import items as store
from app.storage.beside import beside


@dataclass(frozen=True, slots=True)
class ItemsReceipt:
    """`accepted` items are stored as sent, `changed` of them differed from what was there. Pointers: /index/field."""

    accepted: int
    changed: int
    rejected: tuple[Fault, ...]


async def put_items(ctx: Context, raws: Sequence[object]) -> ItemsReceipt:
    """Stores the good ones, in one transaction; of an item that comes twice the last one counts."""
    items, n_accepted, rejected = await beside(len(raws), _clean, raws)
    changed = await store.put_items(ctx.db, list(items.values())) if items else 0
    return ItemsReceipt(n_accepted, changed, tuple(rejected))


def _clean(raws: Sequence[object]) -> tuple[dict[str, Item], int, list[Fault]]:
    items: dict[str, Item] = {}
    rejected: list[Fault] = []
    n_accepted = 0
    for place, raw in enumerate(raws):
        cleaned = clean_item(raw, told_of_next(len(rejected)))
        if isinstance(cleaned, Item):
            items[cleaned.item_id] = cleaned
            n_accepted += 1
        else:
            rejected += [replace(fault, pointer=f"/{place}{fault.pointer}") for fault in cleaned]
    return items, n_accepted, rejected


async def put_item(ctx: Context, item_id: str, raw: object) -> Item:
    """Replaces the whole item; fields that are not sent are emptied."""
    if isinstance(raw, dict):
        if raw.get("item_id", item_id) != item_id:
            raise _invalid((_OTHER_ID,))
        raw = {**raw, "item_id": item_id}
    cleaned = clean_item(raw)
    if not isinstance(cleaned, Item):
        raise _invalid(cleaned)
    await store.put_items(ctx.db, [cleaned])
    return cleaned


async def patch_item(ctx: Context, item_id: str, raw: object) -> Item:
    """Changes the fields that are sent; null empties one."""
    changes: dict[str, Any] | tuple[Fault, ...] = clean_item_patch(raw)
    if not isinstance(changes, dict):
        raise _invalid(changes)
    item = await store.patch_item(ctx.db, item_id, changes)
    return _known(item)


async def get_item(ctx: Context, item_id: str) -> Item:
    return _known(await store.get_item(ctx.db, item_id))


async def delete_item(ctx: Context, item_id: str) -> None:
    if not await store.delete_item(ctx.db, item_id):
        raise _unknown()


async def list_items(ctx: Context, after: str | None, limit: int, category: str | None) -> list[Item]:
    """Up to `limit` items behind the id `after`, in order of their ids."""
    return await store.list_items(ctx.db, after, limit, category)


_OTHER_ID = Fault(
    "invalid_value", "/item_id", "The body names another item than the path.", "Leave `item_id` out of the body."
)


def _invalid(faults: tuple[Fault, ...]) -> InvalidInput:
    return InvalidInput("The item cannot be accepted as it is.", faults[0].hint, faults=faults)


def _known(item: Item | None) -> Item:
    if item is None:
        raise _unknown()
    return item


def _unknown() -> NotFound:
    return NotFound("No item has this id.", "Check the id, or put the item first.", code="item_unknown")
