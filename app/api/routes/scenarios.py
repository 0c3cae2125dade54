"""Places where recommendations are shown, and what holds there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.api.answers import answer
from app.api.body import model_of
from app.api.deps import Ctx, Id
from app.api.openapi import failures, json_body
from app.api.schemas.scenarios import ScenarioIn, ScenarioList, ScenarioOut
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.domain.scenario import Scenario
from app.services import scenarios

router = APIRouter(route_class=StrictRoute, tags=["scenarios"])

_Name = Annotated[Id, Path(description="What requests name in `scenario`.", examples=["home"])]
_HOME = {"limit": 12, "exploration": 0.1, "quotas": {"cheese": 2}, "variants": [{"name": "calm", "share": 0.5}]}


@router.get("/scenarios", summary="List scenarios", response_model=ScenarioList, responses=failures())
@needs("recommendations:read")
async def list_scenarios(ctx: Ctx) -> Response:
    """All of them by name. `home`, `product`, `basket` and `mail` are built in."""
    return answer({"items": [_scenario(one) for one in ctx.scenarios.all()]})


@router.get("/scenarios/{name}", summary="Read a scenario", response_model=ScenarioOut, responses=failures(404))
@needs("recommendations:read")
async def get_scenario(ctx: Ctx, name: _Name) -> Response:
    return answer(_scenario(scenarios.get_scenario(ctx.scenarios, name)))


@router.put(
    "/scenarios/{name}",
    summary="Put a scenario",
    response_model=ScenarioOut,
    responses=failures(408, 409, 413, 415),
    openapi_extra=json_body(ScenarioIn, _HOME),
)
@needs("admin")
async def put_scenario(request: Request, ctx: Ctx, name: _Name) -> Response:
    """Creates the scenario or replaces it whole. Every process knows it within a second, this one at once.

    What a request says wins over the scenario, what the scenario says wins over the defaults.
    """
    sent = await model_of(request, ScenarioIn)
    return answer(_scenario(await scenarios.put_scenario(ctx.scenarios, ctx.db, name, sent.sent())))


@router.delete("/scenarios/{name}", summary="Delete a scenario", status_code=204, responses=failures(404))
@needs("admin")
async def delete_scenario(ctx: Ctx, name: _Name) -> Response:
    """A built-in name returns to its built-in settings; any other becomes a mere label."""
    await scenarios.delete_scenario(ctx.scenarios, ctx.db, name)
    return Response(status_code=204)


def _scenario(one: Scenario) -> dict[str, Any]:
    return {"name": one.name, "built_in": one.built_in, "updated_at": one.updated_at, "settings": one.sent}
