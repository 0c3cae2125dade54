"""A route whose failures are pages too: what happened, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.console.render import page
from app.domain.errors import InvalidInput, Locked, NotFound, PortraitError, Unavailable

_STATUS: dict[type[PortraitError], int] = {NotFound: 404, InvalidInput: 422, Unavailable: 503, Locked: 503}
_UNREADABLE = InvalidInput(
    "The address cannot be read.", "An id, a time or a number in it is not one; go back and try again."
)


class PageRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def as_page(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError:
                return failure(request, _UNREADABLE)
            except PortraitError as error:
                return failure(request, error)

        return as_page


def failure(request: Request, error: PortraitError) -> Response:
    """Raises what is no fault of the caller: the gate answers that."""
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        raise error
    return page(request, "failure.html", status, title=type(error).title, error=error)
