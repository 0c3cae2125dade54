"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api.answers import answer
from app.api.deps import Ctx
from app.api.openapi import failures
from app.api.schemas.health import LiveOut, ReadyOut
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.services.health import check_health

router = APIRouter(route_class=StrictRoute, prefix="/health", tags=["operations"])


@router.get("/live", summary="Is the process alive", response_model=LiveOut, responses=failures())
@needs()
async def live() -> Response:
    """200 for as long as the process can answer anything at all; restart it when this fails."""
    return answer({"status": "live"})


@router.get(
    "/ready",
    summary="Can it answer",
    response_model=ReadyOut,
    responses={**failures(), 503: {"model": ReadyOut, "description": "Something makes answers impossible"}},
)
@needs()
async def ready(request: Request, ctx: Ctx) -> Response:
    """Each part with its state, and a reason where it is not ok; send no traffic while this is 503."""
    health = await check_health(ctx, request.app.state.follower.problems)
    return answer(health, 200 if health.ready else 503, None if health.ready else {"Retry-After": "2"})
