"""The one handler: every failure of every call leaves through here as a problem.

Statuses by the tree of `app.domain.errors`; what FastAPI itself finds wrong is translated into that tree first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from app.api.paths import Paths, holds_encoded_slash
from app.api.problems import problem
from app.domain.errors import (
    AccessDenied,
    ArtifactRefused,
    Conflict,
    Fault,
    InvalidCursor,
    InvalidInput,
    Locked,
    MalformedBody,
    NotFound,
    PortraitError,
    RateLimited,
    ScopeMissing,
    TooLarge,
    Unavailable,
    UnsupportedBody,
)
from app.ingest.faults import fault_from
from app.ingest.ids import ID_HINT

STATUS: dict[type[PortraitError], int] = {
    PortraitError: 500,
    InvalidInput: 422,
    MalformedBody: 400,
    InvalidCursor: 400,
    TooLarge: 413,
    UnsupportedBody: 415,
    AccessDenied: 401,
    ScopeMissing: 403,
    RateLimited: 429,
    NotFound: 404,
    Conflict: 409,
    ArtifactRefused: 500,
    Unavailable: 503,
    Locked: 503,
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 413: {"Connection": "close"}, 408: {"Connection": "close"}}
_OWN_STATUS = {
    "method_not_allowed": 405,
    "request_timeout": 408,
    "invalid_url": 400,
    "profile_changed": 412,
    "precondition_required": 428,
}
_SIDES = {"path": "{%s}", "query": "?%s", "header": "%s:"}
INTERNAL = PortraitError("The service could not answer because of a defect of its own.")


def status_of(error: PortraitError) -> int:
    if error.code in _OWN_STATUS:
        return _OWN_STATUS[error.code]
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def install(app: FastAPI) -> None:
    app.add_exception_handler(PortraitError, _own)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


def answer(scope: Scope, error: PortraitError) -> Response:
    status = status_of(error)
    if isinstance(error, RateLimited):
        return problem(scope, status, error, {"Retry-After": str(error.retry_after_s)})
    return problem(scope, status, error, _HEADERS.get(status))


async def _own(request: Request, error: Exception) -> Response:
    return answer(request.scope, error if isinstance(error, PortraitError) else INTERNAL)


async def _validation(request: Request, error: Exception) -> Response:
    found: Iterable[dict[str, Any]] = error.errors() if isinstance(error, RequestValidationError) else ()
    return answer(request.scope, invalid(tuple(_fault(one) for one in found)))


def invalid(faults: tuple[Fault, ...]) -> InvalidInput:
    """One error of many faults; the first speaks for them."""
    more = f" There are {len(faults)} faults in all." if len(faults) > 1 else ""
    return InvalidInput(_first(faults) + more, faults[0].hint if faults else "", faults=faults)


def _first(faults: tuple[Fault, ...]) -> str:
    return f"`{faults[0].pointer}`: {faults[0].detail}" if faults and faults[0].pointer else faults[0].detail


def _fault(found: dict[str, Any]) -> Fault:
    """A fault of the path (`{user_id}`), the query (`?limit`) or a header (`x-name:`)."""
    side, *place = found["loc"]
    fault = fault_from(found["type"], tuple(place), found["msg"], ())
    pointer = _SIDES[side] % place[0] if side in _SIDES and place else fault.pointer
    return Fault(fault.code, pointer, fault.detail, fault.hint)


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        return _wrong_method(request)
    return answer(request.scope, _no_such_path(request) if status == 404 else INTERNAL)


def _wrong_method(request: Request) -> Response:
    allowed = ", ".join(_paths(request).methods(request.scope["path"])) or "GET"
    error = InvalidInput("This path has no such method.", f"It answers to {allowed}.", code="method_not_allowed")
    return problem(request.scope, 405, error, {"Allow": allowed})


def _no_such_path(request: Request) -> PortraitError:
    if holds_encoded_slash(request.scope.get("raw_path") or b""):
        return invalid((Fault("invalid_id", "", "An id in the path holds a slash or a backslash.", ID_HINT),))
    near = _paths(request).near(request.scope["path"])
    return NotFound("No call has this path.", f"Did you mean {near}?" if near else "See /docs for all calls.")


def _paths(request: Request) -> Paths:
    app: FastAPI = request.app
    if not hasattr(app.state, "paths"):
        app.state.paths = Paths(app.openapi())
    paths: Paths = app.state.paths
    return paths
