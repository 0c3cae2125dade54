"""Every error code, explained: what a problem's `type` points to."""

from __future__ import annotations

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.api.answers import answer
from app.api.error_table import MEANINGS
from app.api.openapi import failures
from app.api.schemas.health import MeaningOut, MeaningsOut
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.domain.errors import NotFound

router = APIRouter(route_class=StrictRoute, prefix="/errors", tags=["operations"])

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · Portrait</title><style>
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem }}
code {{ font-size: .95em; background: #8882; padding: .1em .3em; border-radius: .2em }}
dt {{ font-weight: 600; margin-top: 1rem }} dd {{ margin: 0 }}
</style></head><body>{body}</body></html>
"""
_HTML = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Vary": "Accept"}
_PAGES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "JSON, or a page for browsers"}
}


@router.get("", summary="All error codes", response_model=MeaningsOut, responses={**_PAGES, **failures()})
@needs()
async def all_errors(request: Request) -> Response:
    """As JSON; browsers get a page."""
    if _wants_page(request):
        rows = "".join(
            f'<dt><a href="/errors/{code}"><code>{code}</code></a></dt><dd>{escape(one.title)}.</dd>'
            for code, one in MEANINGS.items()
        )
        return _page("Errors", f"<h1>Errors</h1><dl>{rows}</dl>")
    return answer({"items": [_meaning(code) for code in MEANINGS]}, headers={"Vary": "Accept"})


@router.get(
    "/{code}", summary="What an error code means", response_model=MeaningOut, responses={**_PAGES, **failures(404)}
)
@needs()
async def one_error(request: Request, code: Annotated[str, Path(examples=["malformed_body"])]) -> Response:
    """As JSON; browsers get a page."""
    if code not in MEANINGS:
        raise NotFound("No error has this code.", "GET /errors lists all of them.", code="error_unknown")
    if not _wants_page(request):
        return answer(_meaning(code), headers={"Vary": "Accept"})
    one = MEANINGS[code]
    status = f"<dt>Status</dt><dd>{one.status}</dd>" if one.status else ""
    told = f"<dt>Why</dt><dd>{_prose(one.why)}</dd><dt>What to do</dt><dd>{_prose(one.cure)}</dd>"
    return _page(one.title, f"<h1>{escape(one.title)}</h1><p><code>{code}</code></p><dl>{status}{told}</dl>")


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _meaning(code: str) -> dict[str, Any]:
    one = MEANINGS[code]
    return {"code": code, "status": one.status or None, "title": one.title, "why": one.why, "cure": one.cure}


def _prose(text: str) -> str:
    """Text with `code` in backticks, as HTML."""
    return "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(escape(text).split("`")))


def _page(title: str, body: str) -> Response:
    return Response(_PAGE.format(title=escape(title), body=body), headers=_HTML, media_type="text/html")
