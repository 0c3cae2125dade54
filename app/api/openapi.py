"""The description of the service that /docs shows and that clients are generated from."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api.error_table import MEANINGS
from app.api.problems import MEDIA_TYPE
from app.api.schemas.common import Problem
from app.api.schemas.edits import EditsIn
from app.api.schemas.jobs import JobIn
from app.api.schemas.keys import KeyIn
from app.api.schemas.scenarios import ScenarioIn
from app.api.schemas.users import ConsentIn, MergeIn, UserIn, UserPatch
from app.api.schemas.wishes import SessionWishIn, StatelessIn
from app.api.scopes import needed_by
from app.domain.limits import MAX_BEHAVIORS
from app.ingest.clean import BehaviorIn
from app.ingest.clean_item import ItemIn, ItemPatch

_REF = "#/components/schemas/{model}"
_BODIES: tuple[type[BaseModel], ...] = (
    BehaviorIn,
    ItemIn,
    ItemPatch,
    UserIn,
    UserPatch,
    EditsIn,
    SessionWishIn,
    ConsentIn,
    MergeIn,
    StatelessIn,
    ScenarioIn,
    JobIn,
    KeyIn,
    Problem,
)
_EVERYWHERE = (400, 401, 403, 422, 429, 500, 503)
_STATUS_TEXT = {
    400: "The body, the address or the cursor cannot be read",
    401: "A valid key is needed",
    403: "The key is not for this call",
    404: "There is no such thing",
    409: "It contradicts what is stored",
    408: "The body did not arrive in time",
    412: "It has changed since it was read",
    413: "Too many bytes or entries",
    415: "The content type is not read here",
    422: "Something in it cannot be accepted; `errors` says what",
    428: "The header `If-Match` is needed",
    429: "Too many requests with this key",
    500: "A defect of the service",
    503: "A part that the answer needs is away, or there is too much to do; try again",
}
_SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or a token of the issuer that the service trusts.",
    },
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
}
DESCRIPTION = """
`POST /behaviors`, and the next profile and recommendation already know.

**Try it**: send a few behaviours of a user, look at `GET /users/{user_id}/profile`, then ask for
`GET /users/{user_id}/recommendations?include=item`. An unknown user gets an answer too.

Every failure is a problem (RFC 9457) with a stable `code`, a `hint` and a page at `/errors/{code}`.
Where the service has API keys, every call names the scopes of which the key needs one; `admin` implies all.
Times are RFC 3339 with a zone. Lists have `limit`, an opaque `cursor` and `next`.
"""


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: those named and those that any call may give."""
    return {status: _failure(status) for status in sorted({*statuses, *_EVERYWHERE})}


def bulk_body(model: type[BaseModel], examples: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` of a call that takes one object, an array, or NDJSON."""
    one = {"$ref": _REF.format(model=model.__name__)}
    shown = {name: {"value": value} for name, value in examples.items()}
    many = {"anyOf": [one, {"title": "Several", "type": "array", "items": one, "maxItems": MAX_BEHAVIORS}]}
    content = {
        "application/json": {"schema": many, "examples": shown},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One object a line."}},
    }
    return {"requestBody": {"required": True, "content": content}}


def json_body(model: type[BaseModel], example: Any) -> dict[str, Any]:
    """`openapi_extra` of a call that takes one object."""
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            tags=app.openapi_tags,
            license_info=app.license_info,
            routes=app.routes,
        )
        _, bodies = models_json_schema([(model, "validation") for model in _BODIES], ref_template=_REF)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(bodies["$defs"])
        document["components"]["securitySchemes"] = _SECURITY
        _tell_scopes(app, document)
        schemas["Problem"]["properties"]["code"]["enum"] = [code for code in MEANINGS if MEANINGS[code].status]
        app.openapi_schema = document
    return app.openapi_schema


def _tell_scopes(app: FastAPI, document: dict[str, Any]) -> None:
    """Each call with the scopes of which its key needs one; none: it needs no key."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            needed = sorted(needed_by(route.endpoint))
            security = [{name: [scope]} for scope in needed for name in _SECURITY]
            for method in route.methods or ():
                document["paths"][route.path_format][method.lower()]["security"] = security


def _failure(status: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model="Problem")}
    return {"description": _STATUS_TEXT[status], "content": {MEDIA_TYPE: {"schema": schema}}}
