"""A route that refuses keys that are not for it, and what it does not know: a misspelt query parameter would be ignored
silently.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from difflib import get_close_matches
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.api.errors import invalid
from app.api.scopes import check_scope, needed_by
from app.domain.errors import Fault
from app.domain.limits import MAX_ERRORS
from app.ingest.faults import safe_name

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    def get_route_handler(self) -> _Handler:
        handler = super().get_route_handler()
        known, needed = dict(_parameters(self)), needed_by(self.endpoint)

        async def strict(request: Request) -> Response:
            check_scope(request, needed)
            if request.scope["query_string"]:
                _check(request, known)
            return await handler(request)

        return strict


def _parameters(route: APIRoute) -> Iterator[tuple[str, bool]]:
    """Names of the query parameters, and whether each may come more than once."""
    for parameter in route.dependant.query_params:
        annotation = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from ((name, "list" in str(field.annotation)) for name, field in annotation.model_fields.items())
        else:
            yield parameter.alias, False


def _check(request: Request, known: dict[str, bool]) -> None:
    seen: set[str] = set()
    faults = []
    for name, _ in request.query_params.multi_items():
        if name not in known:
            hint = _meant(name, list(known))
            faults.append(Fault("unknown_parameter", f"?{safe_name(name)}", "This parameter is not known.", hint))
        elif name in seen and not known[name]:
            faults.append(Fault("repeated_parameter", f"?{name}", "This parameter comes twice.", "Send it once."))
        seen.add(name)
    if faults:
        raise invalid(tuple(faults[:MAX_ERRORS]))


def _meant(name: str, known: list[str]) -> str:
    near = get_close_matches(name[:100], known, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"Known parameters: {', '.join(known)}." if known else "This call takes no query parameters."
