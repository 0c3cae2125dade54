"""Style, script and picture of the pages, and a page for every address that is none."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.responses import FileResponse

from app.console.page_route import PageRoute
from app.console.render import STATIC
from app.domain.errors import NotFound

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/console/static/{name}")
async def asset(name: str) -> Response:
    if name not in STATIC:
        raise NotFound("There is no such file.", "See /console.")
    return FileResponse(STATIC[name], headers={"Cache-Control": "public, max-age=3600"})


@router.get("/console/{rest:path}")
async def nothing() -> Response:
    raise NotFound("The console has no such page.", "Begin at its start, or search for a user or an item.")
