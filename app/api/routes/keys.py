"""Who may come in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.api.answers import answer
from app.api.body import model_of
from app.api.deps import Ctx, Id, KeysCatchUpNow, Listing, Page
from app.api.openapi import failures, json_body
from app.api.schemas.keys import KeyIn, KeyOut, KeyPage, NewKeyOut
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.services import manage_keys

router = APIRouter(route_class=StrictRoute, tags=["operations"])

KeyId = Annotated[Id, Path(description="The part between the underscores of the key.", examples=["3f9a1c2b4d5e"])]


@router.post(
    "/keys",
    summary="Make a key",
    status_code=201,
    response_model=NewKeyOut,
    responses=failures(408, 413, 415),
    openapi_extra=json_body(KeyIn, {"name": "shop", "scopes": ["behaviors:write", "recommendations:read"]}),
)
@needs("admin")
async def create_key(request: Request, ctx: Ctx, catch_up: KeysCatchUpNow) -> Response:
    """The first key closes the service to everybody without one, at once in this process, within a second in others."""
    wanted = await model_of(request, KeyIn)
    key, text = await manage_keys.create_key(ctx.db, ctx.now(), **wanted.model_dump())
    await catch_up()
    return answer({**asdict(key), "key": text}, 201, {"Location": f"/keys/{key.key_id}"})


@router.get("/keys", summary="List keys", response_model=KeyPage, responses=failures())
@needs("admin")
async def list_keys(ctx: Ctx, listing: Listing, query: Annotated[Page, Query()]) -> Response:
    """Those of the database, without their secrets; keys in PORTRAIT_API_KEYS are not among them."""
    found = await manage_keys.list_keys(ctx.db, listing.read(query.cursor, "keys"), query.limit)
    more = listing.after(found[-1].key_id, "keys") if len(found) == query.limit else None
    return answer({"items": found, "next": more})


@router.delete("/keys/{key_id}", summary="Revoke a key", response_model=KeyOut, responses=failures(404))
@needs("admin")
async def revoke_key(ctx: Ctx, catch_up: KeysCatchUpNow, key_id: KeyId) -> Response:
    """Refused at once in this process, within a second in others. The service stays closed after the last one."""
    key = await manage_keys.revoke_key(ctx.db, key_id)
    await catch_up()
    return answer(key)
