"""The catalogue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app.api.answers import answer
from app.api.body import entries_of, json_of
from app.api.deps import CatchUpNow, Ctx, ItemId, Listing, Page, Text
from app.api.openapi import bulk_body, failures, json_body
from app.api.receipts import receipt
from app.api.schemas.items import ItemOut, ItemPage, ItemsReceipt
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.domain.limits import MAX_CATEGORY
from app.ingest.clean_item import ItemIn, ItemPatch
from app.services import manage_items

router = APIRouter(route_class=StrictRoute, tags=["items"])

_PIZZA = {
    "item_id": "product-819312",
    "title": "Frozen pizza margherita 12 oz",
    "categories": ["Grocery > Frozen pizza"],
    "attributes": {"brand": "private"},
}
_MORE = {"item_id": "product-1", "title": "Baby food pear"}


class ItemPageQuery(Page):
    category: Annotated[Text | None, Field(min_length=1, max_length=MAX_CATEGORY, description="Exactly as stored.")] = (
        None
    )


@router.post(
    "/items",
    summary="Put many items",
    response_model=ItemsReceipt,
    responses={207: {"model": ItemsReceipt, "description": "Some were taken"}, **failures(408, 413, 415)},
    openapi_extra=bulk_body(ItemIn, {"one": _PIZZA, "several": [_PIZZA, _MORE]}),
)
@needs("items:write")
async def put_items(request: Request, ctx: Ctx, catch_up: CatchUpNow) -> Response:
    """New items and replacements: one object, an array, or NDJSON; up to 10,000 or 8 MiB.

    A new item is recommended by its text within seconds, before anybody has touched it.
    """
    entries = await entries_of(request)
    done = await manage_items.put_items(ctx, entries.raws)
    await catch_up()
    return receipt(entries, done.rejected, {"accepted": done.accepted, "changed": done.changed}, done.accepted)


@router.get("/items", summary="List items", response_model=ItemPage, responses=failures())
@needs("items:write", "recommendations:read")
async def list_items(ctx: Ctx, listing: Listing, query: Annotated[ItemPageQuery, Query()]) -> Response:
    """All items in order of their ids."""
    after = listing.read(query.cursor, "items")
    items = await manage_items.list_items(ctx, after, query.limit, query.category)
    more = listing.after(items[-1].item_id, "items") if len(items) == query.limit else None
    return answer({"items": items, "next": more})


@router.get("/items/{item_id}", summary="Read an item", response_model=ItemOut, responses=failures(404))
@needs("items:write", "recommendations:read")
async def get_item(ctx: Ctx, item_id: ItemId) -> Response:
    return answer(await manage_items.get_item(ctx, item_id))


@router.put(
    "/items/{item_id}",
    summary="Put an item",
    response_model=ItemOut,
    responses=failures(408, 413, 415),
    openapi_extra=json_body(ItemPatch, {name: value for name, value in _PIZZA.items() if name != "item_id"}),
)
@needs("items:write")
async def put_item(request: Request, ctx: Ctx, catch_up: CatchUpNow, item_id: ItemId) -> Response:
    """Creates the item or replaces it whole."""
    item = await manage_items.put_item(ctx, item_id, await json_of(request))
    await catch_up()
    return answer(item)


@router.patch(
    "/items/{item_id}",
    summary="Change an item",
    response_model=ItemOut,
    responses=failures(404, 408, 413, 415),
    openapi_extra=json_body(ItemPatch, {"available": False}),
)
@needs("items:write")
async def patch_item(request: Request, ctx: Ctx, catch_up: CatchUpNow, item_id: ItemId) -> Response:
    """Only the fields that are sent change; null empties one."""
    item = await manage_items.patch_item(ctx, item_id, await json_of(request))
    await catch_up()
    return answer(item)


@router.delete("/items/{item_id}", summary="Delete an item", status_code=204, responses=failures(404))
@needs("items:write")
async def delete_item(ctx: Ctx, catch_up: CatchUpNow, item_id: ItemId) -> Response:
    """It is never recommended again. Behaviours with it stay in the log."""
    await manage_items.delete_item(ctx, item_id)
    await catch_up()
    return Response(status_code=204)
