"""What many turn to just now."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import answer
from app.api.deps import Ctx, SplitAtCommas, Text
from app.api.openapi import failures
from app.api.schemas.recommendations import TrendingOut
from app.api.scopes import needs
from app.api.slates import lines
from app.api.strict_route import StrictRoute
from app.domain.limits import DEFAULT_LIMIT, MAX_CATEGORY, MAX_LIMIT
from app.services.trending import trending

router = APIRouter(route_class=StrictRoute, tags=["recommendations"])


class TrendingQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    category: Annotated[
        Text | None,
        Field(min_length=1, max_length=MAX_CATEGORY, description="A category or the beginning of its path."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    include: Annotated[list[Literal["item"]], SplitAtCommas] = []


@router.get("/trending", summary="What is trending", response_model=TrendingOut, responses=failures())
@needs("recommendations:read")
async def get_trending(ctx: Ctx, query: Annotated[TrendingQuery, Query()]) -> Response:
    """Items by decayed counts of the last day, week and month; one user counts once an item and day."""
    found = await trending(ctx, query.category, query.limit)
    return answer({"items": lines(ctx, found, query.include)})
