"""What the service counts of itself."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.responses import PlainTextResponse

from app.api.deps import Ctx
from app.api.openapi import failures
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.services.observe import read_metrics
from app.telemetry.exposition import MEDIA_TYPE

router = APIRouter(route_class=StrictRoute, tags=["operations"])


@router.get("/metrics", summary="Metrics", response_class=PlainTextResponse, responses=failures())
@needs("metrics:read")
async def get_metrics(ctx: Ctx) -> Response:
    """For Prometheus, in its text format; summed over the server processes of this machine. Nothing about anybody."""
    return Response(await read_metrics(ctx), media_type=MEDIA_TYPE)
