"""The outermost layer of ours: id of the request, readable address, key, limits, log line, and the last resort.

Plain ASGI, because a request passes here that matches no route and an exception that no handler knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.admission import Admission, Place
from app.api.auth import Door, is_open, is_page
from app.api.errors import INTERNAL, answer
from app.api.rates import Rates, refusal
from app.api.scopes import KEY
from app.api.visit import Visit
from app.domain.errors import AccessDenied, InvalidInput, Overloaded, PortraitError

_ALWAYS = "/metrics"  # what an operator looks at while there is too much to do


class Gate:
    """`sign_in` makes the page that asks for a key, for whoever comes to the console without one."""

    def __init__(
        self, app: ASGIApp, door: Door, rates: Rates, admission: Admission, sign_in: Callable[[Scope], Response]
    ) -> None:
        self.app = app
        self.door = door
        self.rates = rates
        self.admission = admission
        self.sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = Visit(scope, send)
        try:
            refused = _unreadable(scope) or await self.door.refusal(scope) or self._too_many(scope, visit)
            if refused:
                await self._turned_away(scope, refused)(scope, receive, visit.send)
            elif is_open(scope["path"]) or scope["path"] == _ALWAYS:
                await self.app(scope, receive, visit.send)
            else:
                await self._admitted(scope, receive, visit)
        except Exception as error:  # the last resort: nobody may see a bare 500
            visit.report(error)
            if visit.status:
                raise
            await answer(scope, INTERNAL)(scope, receive, visit.send)
        visit.close()

    def _turned_away(self, scope: Scope, refused: PortraitError) -> Response:
        to_console = is_page(scope["path"]) and isinstance(refused, AccessDenied)
        return self.sign_in(scope) if to_console else answer(scope, refused)

    async def _admitted(self, scope: Scope, receive: Receive, visit: Visit) -> None:
        try:
            async with Place(self.admission, scope, receive) as visit.place:
                await self.app(scope, visit.place.receive, visit.send)
        except Overloaded as error:
            await answer(scope, error)(scope, receive, visit.send)

    def _too_many(self, scope: Scope, visit: Visit) -> PortraitError | None:
        key = scope.get(KEY)
        if key is None:
            return None
        now = time.monotonic()
        visit.bucket = self.rates.bucket(key, now)
        return refusal(visit.bucket, now)


def _unreadable(scope: Scope) -> PortraitError | None:
    """Servers decode a path leniently, so bytes that are not UTF-8 would name somebody else's id."""
    address = (scope.get("raw_path") or b"") + b"?" + scope["query_string"]
    if b"%" in address:
        try:
            unquote_to_bytes(address).decode("utf-8")
        except UnicodeDecodeError:
            return InvalidInput("The address is not UTF-8.", "Percent-encode texts as UTF-8.", code="invalid_url")
    return None
