"""What people may ask for: to be one, not to be profiled, to have everything, to be forgotten."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from app.api.answers import answer
from app.api.body import model_of
from app.api.deps import Ctx, UserId
from app.api.openapi import failures, json_body
from app.api.routes.jobs import told
from app.api.routes.users import user_out
from app.api.schemas.jobs import JobOut
from app.api.schemas.users import ConsentIn, MergeIn, MergeOut, UserOut
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.services import erase_user, export_user, manage_users
from app.services.merge_users import merge_users

router = APIRouter(route_class=StrictRoute, tags=["users"])


@router.post(
    "/users/{user_id}/merge",
    summary="Merge another id into a user",
    response_model=MergeOut,
    responses=failures(408, 409, 413, 415),
    openapi_extra=json_body(MergeIn, {"from": "session:s-1"}),
)
@needs("profiles:write")
async def merge(request: Request, ctx: Ctx, user_id: UserId) -> Response:
    """A visitor signs in: what was stored under `from` is the user's, and both ids stand for the user from now on.

    What arrives late under the old id counts for the user, once. The user's attributes win. A repeat moves nothing.
    """
    wanted = await model_of(request, MergeIn)
    return answer(asdict(await merge_users(ctx, user_id, wanted.from_)))


@router.put(
    "/users/{user_id}/consent",
    summary="Give or withdraw consent",
    response_model=UserOut,
    responses=failures(408, 409, 413, 415),
    openapi_extra=json_body(ConsentIn, {"consent": False}),
)
@needs("privacy")
async def put_consent(request: Request, ctx: Ctx, user_id: UserId) -> Response:
    """Without consent the user is not profiled from the next read on, and no behaviour is stored (`consent_off`).

    What was stored before stays until it is erased, and counts again when consent is given again.
    """
    wanted = await model_of(request, ConsentIn)
    return answer(user_out(await manage_users.put_consent(ctx, user_id, wanted.consent)))


@router.get(
    "/users/{user_id}/export",
    summary="Export a user",
    response_class=StreamingResponse,
    responses={
        200: {"description": "One object a line", "content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
        **failures(404),
    },
)
@needs("privacy")
async def export(ctx: Ctx, user_id: UserId) -> Response:
    """Everything that is stored of the user, as NDJSON: `portrait import FILE` gives the same profile elsewhere."""
    lines = await export_user.export_user(ctx, user_id)
    return StreamingResponse(lines, media_type="application/x-ndjson")


@router.delete(
    "/users/{user_id}", summary="Erase a user", status_code=202, response_model=JobOut, responses=failures(404, 409)
)
@needs("privacy")
async def delete_user(ctx: Ctx, user_id: UserId) -> Response:
    """The user is hidden at once and erased within seconds, under all ids; the job's `result` is a signed receipt.

    Late repeats of what was erased are refused (`user_erased`). What the user does afterwards begins a new profile.
    """
    job = await erase_user.ask_erasure(ctx, user_id)
    return answer(told(job, JobOut), 202, {"Location": f"/jobs/{job.job_id}"})
