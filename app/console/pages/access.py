"""Where keys are needed: a form asks for one, and the browser keeps a session in its stead."""

from __future__ import annotations

import time
from typing import cast
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse
from starlette.types import Scope

from app.console.page_route import PageRoute
from app.console.render import HEADERS, filled
from app.domain.errors import TooLarge
from app.services.keys import SESSION_COOKIE, SESSION_S, Keys

router = APIRouter(route_class=PageRoute, include_in_schema=False)

START = "/console"
_MOST_BYTES = 8_192


def sign_in_page(scope: Scope) -> Response:
    """Instead of a page that needs a key; it comes after it."""
    query = scope["query_string"].decode("latin-1")
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    return _form(f"{path}?{query}" if query else path)


@router.get("/console/key")
async def ask(request: Request) -> Response:
    return _form(START) if _keys(request).required else RedirectResponse(START, 303, HEADERS)


@router.post("/console/key")
async def sign_in(request: Request) -> Response:
    sent = await _fields(request)
    to = sent.get("to", START)
    token = _keys(request).open_session(sent.get("key", "").strip().encode(), time.time())
    if token is None:
        return _form(to, "This key is not valid here, or not for everything (the scope admin).")
    answer = RedirectResponse(_inside(to), 303, HEADERS)
    secure = request.url.scheme == "https"
    answer.set_cookie(SESSION_COOKIE, token, SESSION_S, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/console/leave")
async def leave() -> Response:
    answer = RedirectResponse("/console/key", 303, HEADERS)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer


def _form(to: str, trouble: str = "") -> Response:
    return filled("key.html", 401, {"WWW-Authenticate": "Bearer"}, signed_in=False, to=_inside(to), trouble=trouble)


def _inside(to: str) -> str:
    """Only pages of the console, so that a link cannot lead elsewhere through the form."""
    is_page = (to == START or to.startswith((f"{START}/", f"{START}?"))) and to.isprintable() and "\\" not in to
    return to if is_page and not to.startswith(("/console/key", "/console/leave")) else START


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise TooLarge("The form is too large.", "Send a key.")
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace"), max_num_fields=8).items()}


def _keys(request: Request) -> Keys:
    return cast(Keys, request.app.state.keys)
