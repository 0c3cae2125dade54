"""The living profile."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import tagged
from app.api.deps import At, Ctx, SplitAtCommas, UserId
from app.api.openapi import failures
from app.api.schemas.profiles import ProfileOut
from app.api.strict_route import StrictRoute
from app.services.read_profile import read_profile

router = APIRouter(route_class=StrictRoute, tags=["profiles"])


class ProfileQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    at: Annotated[At | None, Field(description="As it was at this moment.")] = None
    include: Annotated[
        list[Literal["evidence"]], SplitAtCommas, Field(description="`evidence`: the behaviours behind each interest.")
    ] = []


@router.get(
    "/users/{user_id}/profile",
    summary="Read the profile",
    response_model=ProfileOut,
    responses={304: {"description": "You hold it already"}, **failures(404)},
)
async def get_profile(request: Request, ctx: Ctx, user_id: UserId, query: Annotated[ProfileQuery, Query()]) -> Response:
    """What is believed of the user at this moment, every recorded behaviour included.

    Carries a strong `ETag`; send it as `If-None-Match` and an unchanged profile is answered with 304.
    """
    return tagged(request, await read_profile(ctx, user_id, query.at, "evidence" in query.include))
