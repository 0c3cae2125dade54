"""Long work is asked for, watched and cancelled; a process of `app.jobs` does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from app.domain.errors import Conflict, Unavailable
from app.domain.job import ERASE, Job, JobKind
from app.storage import jobs as store
from app.storage.engine import Database

LOOK_EVERY_S = 0.5


async def submit_job(db: Database, kind: JobKind, parameters: dict[str, Any] | None = None) -> Job:
    """A job that waits for its turn: a new one, or the one that waits for the same work already."""
    return await store.create_job(db, kind, parameters or {})


async def get_job(db: Database, job_id: str) -> Job:
    return await store.get_job(db, job_id)


async def list_jobs(db: Database, before: str | None, limit: int) -> list[Job]:
    """Up to `limit` jobs behind the id `before`, the latest first."""
    return await store.list_jobs(db, before, limit)


async def cancel_job(db: Database, job_id: str) -> Job:
    """One that waits is cancelled at once, one that runs within seconds.

    Raises Conflict `job_ended`, or `erasure_stands` for the one kind that is not cancelled.
    """
    if (await store.get_job(db, job_id)).kind == ERASE:
        raise Conflict("An erasure is not cancelled.", "It is done within seconds.", code="erasure_stands")
    job = await store.cancel_job(db, job_id)
    if job is None:
        raise Conflict("The job has ended already.", "GET /jobs/{job_id} tells how.", code="job_ended")
    return job


async def follow_job(db: Database, job: Job) -> AsyncIterator[Job]:
    """The job as it is, then again after every change, until it has ended. Outlasts a database that is away."""
    yield job
    while not job.ended:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            seen = await store.get_job(db, job.job_id)
        except Unavailable:
            continue
        if seen != job:
            job = seen
            yield job
