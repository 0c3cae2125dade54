"""Users, and what they did."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.api.answers import answer
from app.api.body import model_of
from app.api.deps import Ctx, Listing, Page, UserId
from app.api.openapi import failures, json_body
from app.api.schemas.behaviors import BehaviorOut, BehaviorPage
from app.api.schemas.users import UserIn, UserOut, UserPage, UserPatch
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.domain.behavior import Behavior
from app.domain.user import User
from app.services import manage_users

router = APIRouter(route_class=StrictRoute, tags=["users"])


@router.get("/users", summary="List users", response_model=UserPage, responses=failures())
@needs("profiles:read")
async def list_users(ctx: Ctx, listing: Listing, query: Annotated[Page, Query()]) -> Response:
    """All users in order of their ids."""
    users = await manage_users.list_users(ctx, listing.read(query.cursor, "users"), query.limit)
    more = listing.after(users[-1].user_id, "users") if len(users) == query.limit else None
    return answer({"items": [user_out(user) for user in users], "next": more})


@router.get("/users/{user_id}", summary="Read a user", response_model=UserOut, responses=failures(404))
@needs("profiles:read")
async def get_user(ctx: Ctx, user_id: UserId) -> Response:
    return answer(user_out(await manage_users.get_user(ctx, user_id)))


@router.put(
    "/users/{user_id}",
    summary="Put a user",
    response_model=UserOut,
    responses=failures(408, 413, 415),
    openapi_extra=json_body(UserIn, {"attributes": {"age_band": "35-44"}}),
)
@needs("profiles:write")
async def put_user(request: Request, ctx: Ctx, user_id: UserId) -> Response:
    """Creates the user or replaces all attributes. Behaviours need no user to be put first."""
    sent = await model_of(request, UserIn)
    return answer(user_out(await manage_users.put_user(ctx, user_id, sent.attributes)))


@router.patch(
    "/users/{user_id}",
    summary="Change a user",
    response_model=UserOut,
    responses=failures(404, 408, 413, 415),
    openapi_extra=json_body(UserPatch, {"attributes": {"age_band": "45-54"}}),
)
@needs("profiles:write")
async def patch_user(request: Request, ctx: Ctx, user_id: UserId) -> Response:
    """Changes the attributes that are named; null removes one."""
    sent = await model_of(request, UserPatch)
    return answer(user_out(await manage_users.patch_user(ctx, user_id, sent.attributes)))


@router.get(
    "/users/{user_id}/behaviors",
    summary="List a user's behaviours",
    response_model=BehaviorPage,
    responses=failures(404),
)
@needs("profiles:read")
async def list_behaviors(ctx: Ctx, listing: Listing, user_id: UserId, query: Annotated[Page, Query()]) -> Response:
    """The log of the user, newest arrival first."""
    name = f"behaviors of {user_id}"
    before = listing.read(query.cursor, name)
    found = await manage_users.list_behaviors(ctx, user_id, None if before is None else int(before), query.limit)
    more = listing.after(str(found[-1][0]), name) if len(found) == query.limit else None
    return answer({"items": [_behavior(behavior) for _, behavior in found], "next": more})


def user_out(user: User) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "attributes": user.attributes,
        "consent": user.consent,
        "version": user.last_seq,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }


def _behavior(behavior: Behavior) -> dict[str, Any]:
    return {name: getattr(behavior, name) for name in BehaviorOut.model_fields}
