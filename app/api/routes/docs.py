"""The documentation, served without a network: scripts and styles lie beside it in `app/api/docs`."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from app.api.answers import answer
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.domain.errors import NotFound

router = APIRouter(route_class=StrictRoute, include_in_schema=False)

_FOLDER = Path(__file__).parents[1] / "docs"
_ASSETS = {path.name for path in _FOLDER.iterdir() if path.suffix in {".js", ".css", ".png"}}
# The scripts know addresses of their makers (a logo, a validator): nothing but this service is asked.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; worker-src blob:"
)


@router.get("/docs")
@needs()
async def docs() -> Response:
    return _page("swagger.html")


@router.get("/redoc")
@needs()
async def redoc() -> Response:
    return _page("redoc.html")


@router.get("/docs/assets/{name}")
@needs()
async def asset(name: str) -> Response:
    if name not in _ASSETS:
        raise NotFound("There is no such file.", "See /docs.")
    return FileResponse(_FOLDER / name, headers={"Cache-Control": "public, max-age=3600"})


@router.get("/openapi.json")
@needs()
async def openapi(request: Request) -> Response:
    return answer(request.app.openapi())


def _page(name: str) -> Response:
    return FileResponse(_FOLDER / name, headers={"Content-Security-Policy": _POLICY})
