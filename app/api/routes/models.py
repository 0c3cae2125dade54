"""Which versions of what was learned there are, and which of them serves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from app.api.answers import answer
from app.api.deps import CatchUpNow, Ctx, Listing, Page
from app.api.openapi import failures
from app.api.schemas.models import ModelKind, ModelOut, ModelPage
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.services import manage_models
from app.storage.models import StoredModel

router = APIRouter(route_class=StrictRoute, tags=["learning"])


class ModelPageQuery(Page):
    kind: Annotated[ModelKind | None, Field(description="Only these.")] = None


@router.get("/models", summary="List models", response_model=ModelPage, responses=failures())
@needs("admin")
async def list_models(ctx: Ctx, listing: Listing, query: Annotated[ModelPageQuery, Query()]) -> Response:
    """Every version, also challengers that lost, with the verdict on each."""
    name = f"models {query.kind or ''}"
    before = listing.read(query.cursor, name)
    found = await manage_models.list_models(ctx.db, query.kind, None if before is None else int(before), query.limit)
    more = listing.after(str(found[-1].version), name) if len(found) == query.limit else None
    return answer({"items": [_told(model) for model in found], "next": more})


@router.post(
    "/models/{version}/promotion", summary="Promote a model", response_model=ModelOut, responses=failures(404, 409)
)
@needs("admin")
async def promote_model(
    ctx: Ctx,
    catch_up: CatchUpNow,
    version: Annotated[int, Path(ge=1, lt=2**63, description="As `GET /models` lists it.")],
) -> Response:
    """The version serves from now on, whatever was judged of it: this is how one rolls back.

    An encoder serves after `PORTRAIT_ENCODER_MODEL` names its folder and the service was started anew.
    The files of the last three versions that served are kept; without its files a version is `model_gone`.
    """
    model = await manage_models.promote_model(ctx.db, ctx.store, version)
    await catch_up()
    return answer(_told(model))


def _told(model: StoredModel) -> dict[str, Any]:
    return {
        "version": model.version,
        "kind": model.kind,
        "live": model.live,
        "promoted_at": model.promoted_at,
        "created_at": model.created_at,
        "about": model.manifest["about"],
        "verdict": model.verdict,
    }
