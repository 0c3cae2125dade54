"""Long work: asked for, watched and cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.api.answers import answer
from app.api.body import model_of
from app.api.deps import Ctx, Id, Listing, Page
from app.api.openapi import failures, json_body
from app.api.schemas.jobs import JobIn, JobLine, JobOut, JobPage
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.domain.job import Job
from app.services import jobs

router = APIRouter(route_class=StrictRoute, tags=["learning"])

JobId = Annotated[Id, Path(description="As the answer to `POST /jobs` gave it.", examples=["019acf2a"])]


async def _job_of(ctx: Ctx, job_id: JobId) -> Job:
    return await jobs.get_job(ctx.db, job_id)


# Looked up before the handler begins, so that an unknown job is a 404 and no broken stream.
Found = Annotated[Job, Depends(_job_of)]


@router.post(
    "/jobs",
    summary="Ask for long work",
    status_code=202,
    response_model=JobOut,
    responses=failures(408, 413, 415),
    openapi_extra=json_body(JobIn, {"kind": "train"}),
)
@needs("admin")
async def submit_job(request: Request, ctx: Ctx) -> Response:
    """The job waits for its turn in the jobs process. Asking again while it waits gives the same job."""
    wanted = await model_of(request, JobIn)
    job = await jobs.submit_job(ctx.db, wanted.kind, wanted.parameters.model_dump(exclude_unset=True))
    return answer(told(job, JobOut), 202, {"Location": f"/jobs/{job.job_id}"})


@router.get("/jobs", summary="List jobs", response_model=JobPage, responses=failures())
@needs("admin")
async def list_jobs(ctx: Ctx, listing: Listing, query: Annotated[Page, Query()]) -> Response:
    """The latest first; those that ended over 90 days ago are forgotten."""
    found = await jobs.list_jobs(ctx.db, listing.read(query.cursor, "jobs"), query.limit)
    more = listing.after(found[-1].job_id, "jobs") if len(found) == query.limit else None
    return answer({"items": [told(job, JobLine) for job in found], "next": more})


@router.get("/jobs/{job_id}", summary="Read a job", response_model=JobOut, responses=failures(404))
@needs("privacy")
async def get_job(job: Found) -> Response:
    return answer(told(job, JobOut))


@router.delete(
    "/jobs/{job_id}", summary="Cancel a job", status_code=202, response_model=JobOut, responses=failures(404, 409)
)
@needs("admin")
async def cancel_job(ctx: Ctx, job_id: JobId) -> Response:
    """One that waits is cancelled at once; one that runs notices within seconds."""
    return answer(told(await jobs.cancel_job(ctx.db, job_id), JobOut), 202)


@router.get("/jobs/{job_id}/events", summary="Watch a job", response_class=EventSourceResponse, responses=failures(404))
@needs("privacy")
async def watch_job(ctx: Ctx, job: Found) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `progress` at the beginning and after every change, and `end` with the whole job."""
    async for seen in jobs.follow_job(ctx.db, job):
        shown = told(seen, JobOut if seen.ended else JobLine)
        yield ServerSentEvent(raw_data=msgspec.json.encode(shown).decode(), event="end" if seen.ended else "progress")


def told(job: Job, shape: type[JobLine]) -> dict[str, Any]:
    return {name: getattr(job, name) for name in shape.model_fields}
