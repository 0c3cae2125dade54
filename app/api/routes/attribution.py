"""What came of recommendations."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import answer
from app.api.deps import At, Ctx
from app.api.openapi import failures
from app.api.schemas.attribution import AttributionOut
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.domain.attribution import WITHIN, By, Outcome
from app.services.attribution import attribute

router = APIRouter(route_class=StrictRoute, tags=["scenarios"])


class AttributionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: Annotated[At | None, Field(description="Slates from here on; left out: seven days before `until`.")] = None
    until: Annotated[At | None, Field(description="Slates before it; left out: now.")] = None
    by: Annotated[By, Field(description="What is told apart.")] = "scenario"


@router.get(
    "/metrics/recommendations",
    summary="What came of recommendations",
    response_model=AttributionOut,
    responses=failures(),
)
@needs("metrics:read")
async def get_attribution(ctx: Ctx, query: Annotated[AttributionQuery, Query()]) -> Response:
    """Shown items, and which of them were followed by behaviours that name the `recommendation_id`.

    Counted are items of the very slate, up to seven days after it, each once. Robots are left out.
    """
    found = await attribute(ctx, query.since, query.until, query.by)
    groups = [_line(one) | {"positions": [_place(place) for place in one.positions]} for one in found.groups]
    bounds = {"since": found.since, "until": found.until, "by": found.by}
    return answer({**bounds, "within_days": WITHIN.days, "groups": groups})


def _line(one: Outcome) -> dict[str, Any]:
    figures = one.figures
    return {
        "key": figures.key,
        "n_slates": figures.n_slates,
        "n_shown": figures.n_shown,
        "n_clicked": figures.n_clicked,
        "n_purchased": figures.n_purchased,
        "click_through": one.click_through and one.click_through._asdict(),
        "purchase_rate": one.purchase_rate and one.purchase_rate._asdict(),
    }


def _place(one: Outcome) -> dict[str, Any]:
    line = _line(one)
    del line["key"]
    return {"position": one.figures.position} | line
