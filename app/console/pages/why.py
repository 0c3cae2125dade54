"""Why an item stands in an answer that was given, or why it does not; and which item is meant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.console.deps import Ctx, Id
from app.console.page_route import PageRoute
from app.console.render import page
from app.domain.limits import MAX_QUERY
from app.domain.recommendation import Wish
from app.retrieval.base import World
from app.services.context import Context
from app.services.decisions import read_decision
from app.services.rank import policy_of
from app.services.search_items import search_items
from app.services.why import explain_item

router = APIRouter(route_class=PageRoute, include_in_schema=False)

N_CHOICES = 8


@router.get("/console/recommendations/{recommendation_id}/items")
async def which_item(
    request: Request,
    ctx: Ctx,
    recommendation_id: Id,
    q: Annotated[str, Query(max_length=MAX_QUERY)] = "",
) -> Response:
    """By its very id it is explained at once; words give a choice."""
    wanted = q.replace("\x00", "").strip()
    if wanted in ctx.world.catalogue.row_of:
        return await _explained(request, ctx, recommendation_id, wanted)
    decision = await read_decision(ctx.decisions, ctx.db, recommendation_id)
    found = (await search_items(ctx, wanted, N_CHOICES)).items if wanted else ()
    return page(request, "which_item.html", decision=decision, q=wanted, found=found)


@router.get("/console/recommendations/{recommendation_id}/items/{item_id}")
async def why_page(request: Request, ctx: Ctx, recommendation_id: Id, item_id: Id) -> Response:
    return await _explained(request, ctx, recommendation_id, item_id)


async def _explained(request: Request, ctx: Context, recommendation_id: str, item_id: str) -> Response:
    why = await explain_item(ctx, recommendation_id, item_id)
    decision = await read_decision(ctx.decisions, ctx.db, recommendation_id)
    return page(
        request, "why.html", now=ctx.now(), why=why, decision=decision, in_odds=_in_odds(ctx.world, decision.wish)
    )


def _in_odds(world: World, wish: Wish) -> bool:
    """Whether contributions are log odds of a ranker, or shares of the sources."""
    return wish.ranking == "learned" and world.policy(policy_of(wish)).ranker is not None
