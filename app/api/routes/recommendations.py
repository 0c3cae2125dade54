"""What to show a user next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.api.answers import answer
from app.api.body import model_of
from app.api.deps import Ctx, Id, ItemId, UserId
from app.api.openapi import failures, json_body
from app.api.schemas.recommendations import DecisionOut, RecommendationsOut
from app.api.schemas.why import WhyOut
from app.api.schemas.wishes import SessionWishIn, StatelessIn, WishQuery
from app.api.scopes import needs
from app.api.slates import decision_answer, slate_answer
from app.api.strict_route import StrictRoute
from app.domain.limits import MAX_BODY_BYTES
from app.services.decide import decide, decide_for
from app.services.decisions import read_decision
from app.services.why import explain_item

router = APIRouter(route_class=StrictRoute, tags=["recommendations"])

_RecommendationId = Annotated[Id, Path(description="Of an answer.", examples=["rec_0123456789ab"])]
_WISH = {
    "limit": 5,
    "statement": "a quick dinner for kids",
    "include": ["item"],
    "behaviors": [{"item_id": "product-819312", "type": "view"}],
}
_STATELESS = {
    "limit": 5,
    "include": ["item"],
    "behaviors": [{"user_id": "visitor", "item_id": "product-819312", "type": "view"}],
}


@router.get(
    "/users/{user_id}/recommendations",
    summary="Recommend to a user",
    response_model=RecommendationsOut,
    responses=failures(),
)
@needs("recommendations:read")
async def get_recommendations(ctx: Ctx, user_id: UserId, query: Annotated[WishQuery, Query()]) -> Response:
    """The best items for the user at this moment, with a reason for each.

    Always 200 for a valid request: an unknown user gets what is popular and new, and `fallback_reason` says so.
    The header `Server-Timing` shows how long each stage took.
    """
    return slate_answer(ctx, await decide(ctx, user_id, query.said(), query.at), query.include)


@router.post(
    "/users/{user_id}/recommendations",
    summary="Recommend to a user, with a rich wish",
    response_model=RecommendationsOut,
    responses=failures(408, 413, 415),
    openapi_extra=json_body(SessionWishIn, _WISH),
)
@needs("recommendations:read")
async def post_recommendations(request: Request, ctx: Ctx, user_id: UserId) -> Response:
    """As GET, with what does not fit into a query: a statement in words, a list of candidates, and behaviours of this
    session that are not stored yet, and are not by this.
    """
    wish = await model_of(request, SessionWishIn, most_bytes=MAX_BODY_BYTES)
    return slate_answer(ctx, await decide(ctx, user_id, wish.said(), raws=wish.behaviors), wish.include)


@router.post(
    "/recommendations",
    summary="Recommend to somebody who is not stored",
    response_model=RecommendationsOut,
    responses=failures(408, 413, 415),
    openapi_extra=json_body(StatelessIn, _STATELESS),
)
@needs("recommendations:read")
async def recommend_stateless(request: Request, ctx: Ctx) -> Response:
    """For anonymous visitors and for trying things out: their behaviours, or a statement, come in the body.

    Neither is stored; what was answered is, as the answer to nobody.
    """
    wish = await model_of(request, StatelessIn, most_bytes=MAX_BODY_BYTES)
    return slate_answer(ctx, await decide_for(ctx, wish.behaviors, wish.said()), wish.include)


@router.get(
    "/recommendations/{recommendation_id}",
    summary="Read what was recommended",
    response_model=DecisionOut,
    responses=failures(404),
)
@needs("recommendations:read")
async def get_decision(ctx: Ctx, recommendation_id: _RecommendationId) -> Response:
    """An answer that was given earlier, with all that was in force, for as long as PORTRAIT_DECISIONS_DAYS says."""
    return decision_answer(await read_decision(ctx.decisions, ctx.db, recommendation_id))


@router.get(
    "/recommendations/{recommendation_id}/items/{item_id}",
    summary="Why, or why not, an item",
    response_model=WhyOut,
    responses=failures(404),
)
@needs("recommendations:read")
async def get_why(ctx: Ctx, recommendation_id: _RecommendationId, item_id: ItemId) -> Response:
    """What brought an item into an answer, or what kept it out, and what would be without parts of the past.

    For any item of the catalogue. It is computed from the user's log as it was when the answer was given.
    """
    return answer(await explain_item(ctx, recommendation_id, item_id))
