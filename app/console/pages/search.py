"""One field that finds users by the beginning of their id and items by words and meaning."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.console.deps import Ctx
from app.console.page_route import PageRoute
from app.console.render import page
from app.domain.limits import MAX_QUERY
from app.services.manage_users import find_users
from app.services.search_items import search_items

router = APIRouter(route_class=PageRoute, include_in_schema=False)

N_USERS = 20
N_ITEMS = 30


@router.get("/console/search")
async def search(request: Request, ctx: Ctx, q: Annotated[str, Query(max_length=MAX_QUERY)] = "") -> Response:
    wanted = q.replace("\x00", "").strip()
    users = await find_users(ctx, wanted, N_USERS)
    found = await search_items(ctx, wanted, N_ITEMS) if wanted else None
    by_id = ctx.world.catalogue.row_of.get(wanted)
    return page(
        request,
        "search.html",
        q=wanted,
        now=ctx.now(),
        users=users,
        found=found,
        named=None if by_id is None else ctx.world.catalogue.items[by_id],
    )
