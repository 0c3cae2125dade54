"""The living profile."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import answer, tag_headers, tagged
from app.api.body import model_of
from app.api.deps import At, Ctx, Listing, Page, SplitAtCommas, Text, UserId
from app.api.errors import invalid
from app.api.openapi import failures, json_body
from app.api.preconditions import knows
from app.api.schemas.edits import EditedOut, EditIn, EditsIn
from app.api.schemas.profiles import HistoryPage, ProfileOut
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.services.edit_profile import edit_profile
from app.services.read_history import Span, read_history
from app.services.read_profile import read_profile

router = APIRouter(route_class=StrictRoute, tags=["profiles"])


class ProfileQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    at: Annotated[At | None, Field(description="As it was at this moment, which is past.")] = None
    include: Annotated[
        list[Literal["evidence"]], SplitAtCommas, Field(description="`evidence`: the behaviours behind each interest.")
    ] = []


class HistoryQuery(Page):
    since: Annotated[At | None, Field(description="Only what came after it, seen more closely.")] = None
    until: Annotated[At | None, Field(description="Only what came up to it.")] = None


@router.get(
    "/users/{user_id}/profile",
    summary="Read the profile",
    response_model=ProfileOut,
    responses={304: {"description": "You hold it already"}, **failures(404)},
)
@needs("profiles:read")
async def get_profile(request: Request, ctx: Ctx, user_id: UserId, query: Annotated[ProfileQuery, Query()]) -> Response:
    """What is believed of the user at this moment, every recorded behaviour included.

    Carries a strong `ETag`; send it as `If-None-Match` and an unchanged profile is answered with 304.
    """
    return tagged(request, await read_profile(ctx, user_id, query.at, "evidence" in query.include))


@router.get(
    "/users/{user_id}/profile/history",
    summary="Read the profile's history",
    response_model=HistoryPage,
    responses=failures(404),
)
@needs("profiles:read")
async def get_history(ctx: Ctx, listing: Listing, user_id: UserId, query: Annotated[HistoryQuery, Query()]) -> Response:
    """When the profile changed, how, and which behaviours moved it. The newest behaviour always shows.

    Behaviours are told together: by the session while there are few, by the week when there are thousands. Name a
    `since` to look at a time more closely.
    """
    span = Span(query.since, query.until)
    name = f"history of {user_id} {span}"
    place = listing.read(query.cursor, name)
    told = await read_history(ctx, user_id, span, None if place is None else int(place), query.limit)
    more = listing.after(str(told.n_older), name) if told.n_older else None
    return answer({"user_id": user_id, "items": told.versions, "next": more, "reason": told.reason})


_EDITS = {
    "edits": [{"action": "more", "facet": "category:grocery > frozen pizza"}, {"action": "never", "facet": "fish"}]
}
IfMatch = Annotated[
    Annotated[Text, Field(max_length=1_000)] | None,
    Header(alias="If-Match", description="The `ETag` of the profile that was read."),
]


class EditQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dry_run: Annotated[bool, Field(description="Only tell what would happen; needs no `If-Match`.")] = False


@router.patch(
    "/users/{user_id}/profile",
    summary="Change the profile by hand",
    response_model=EditedOut,
    responses=failures(408, 409, 412, 413, 415, 428),
    openapi_extra=json_body(EditsIn, _EDITS),
)
@needs("profiles:write")
async def patch_profile(
    request: Request, ctx: Ctx, user_id: UserId, query: Annotated[EditQuery, Query()], if_match: IfMatch = None
) -> Response:
    """More, less or never of something, something first, a statement in words, or an edit withdrawn.

    It wins over what was learned, and the very next answer respects it. `If-Match` must carry the `ETag` of the profile
    as it is, so that two people do not overwrite each other; a user who is not known yet needs none. The answer carries
    the `ETag` of the new profile.
    """
    sent = await model_of(request, EditsIn, EditIn.model_fields)
    if faults := sent.faults():
        raise invalid(faults)
    done = await edit_profile(ctx, user_id, sent.changes(), knows(if_match, query.dry_run), query.dry_run)
    return answer(done, headers=None if done.dry_run else tag_headers(done.profile))
