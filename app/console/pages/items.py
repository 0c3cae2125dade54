"""One item: its text, what it is described by, and what is like it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.console.deps import Ctx, Id
from app.console.page_route import PageRoute
from app.console.render import page
from app.domain.errors import NotFound
from app.domain.item import facets_of
from app.services.context import Context
from app.services.manage_items import get_item
from app.services.search_items import Found, has_vector, similar_items

router = APIRouter(route_class=PageRoute, include_in_schema=False)

N_SIMILAR = 12


@router.get("/console/items/{item_id}")
async def item_page(request: Request, ctx: Ctx, item_id: Id) -> Response:
    try:
        item = await get_item(ctx, item_id)
    except NotFound:
        return page(request, "unknown_item.html", 404, item_id=item_id)
    return page(
        request,
        "item.html",
        item=item,
        facets=list(dict.fromkeys(facets_of(item))),
        has_vector=has_vector(ctx, item_id),
        similar=(await _similar(ctx, item_id)).items,
    )


async def _similar(ctx: Context, item_id: str) -> Found:
    """None for an item that this process has not heard of yet."""
    try:
        return await similar_items(ctx, item_id, N_SIMILAR)
    except NotFound:
        return Found(True, ())
