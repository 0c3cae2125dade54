"""The queue of long work. A running job is held by a lock of its process, so that its death shows.

`n_starts` is the token of a run: whoever reports or ends under an old one is no longer the owner.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, get_args

from psycopg.rows import class_row
from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.errors import NotFound
from app.domain.job import ERASE, LONG, Job, JobKind, JobStatus
from app.storage.engine import Connection, Database
from app.storage.locks import leader
from app.storage.tables import jobs

MAX_STARTS = 2  # a job whose process died is begun once more, and an erasure until it is done
KEPT_DAYS = 90
_ONE_AT_A_TIME = 7_067_102  # any number; two that ask for the same work must not both add it

NAMES = (
    "job_id",
    "kind",
    "parameters",
    "status",
    "progress",
    "stage",
    "log",
    "result",
    "error",
    "cancel_requested",
    "n_starts",
    "created_at",
    "started_at",
    "ended_at",
)
_COLUMNS = tuple(jobs.c[name] for name in NAMES)
_CLAIM = f"""
    UPDATE jobs SET status = 'running', n_starts = n_starts + 1, started_at = now(), progress = 0, stage = ''
    WHERE job_id = (
        SELECT job_id FROM jobs
        WHERE ended_at IS NULL AND status = 'queued' AND kind = ANY(%s) AND job_id = coalesce(%s, job_id)
        ORDER BY created_at, job_id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING {", ".join(NAMES)}
"""


async def create_job(db: Database, kind: JobKind, parameters: dict[str, Any]) -> Job:
    """A new job at the end of the queue, or the one that waits for the same work."""
    same = (jobs.c.status == "queued", jobs.c.kind == kind, jobs.c.parameters == parameters)
    job_id = new_job_id()
    async with db.core() as connection:
        await connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        waiting = (await connection.execute(select(*_COLUMNS).where(*same).limit(1))).one_or_none()
        new = insert(jobs).values(job_id=job_id, kind=kind, parameters=parameters).returning(*_COLUMNS)
        return Job(*(waiting or (await connection.execute(new)).one()))


def new_job_id() -> str:
    """Begins with the time."""
    return f"{time.time_ns() // 1_000_000:012x}{token_hex(10)}"


async def get_job(db: Database, job_id: str) -> Job:
    """Raises NotFound `job_unknown`."""
    async with db.core() as connection:
        return _known((await connection.execute(select(*_COLUMNS).where(jobs.c.job_id == job_id))).one_or_none())


async def list_jobs(db: Database, before: str | None = None, limit: int = 50) -> list[Job]:
    """The latest first, those behind the id `before`."""
    statement = select(*_COLUMNS).order_by(jobs.c.job_id.desc()).limit(limit)
    async with db.core() as connection:
        found = await connection.execute(statement.where(jobs.c.job_id < before) if before else statement)
        return [_known(row) for row in found]


async def latest_job(db: Database, kind: JobKind) -> Job | None:
    statement = select(*_COLUMNS).where(jobs.c.kind == kind).order_by(jobs.c.job_id.desc()).limit(1)
    async with db.core() as connection:
        row = (await connection.execute(statement)).one_or_none()
    return Job(*row) if row else None


async def cancel_job(db: Database, job_id: str) -> Job | None:
    """The job as it is afterwards: cancelled if it waited, asked to stop if it runs; None if it had ended already."""
    ends = {"status": "cancelled", "ended_at": func.now()}
    async with db.core() as connection:
        held = select(*_COLUMNS).where(jobs.c.job_id == job_id).with_for_update()
        job = _known((await connection.execute(held)).one_or_none())
        if job.ended:
            return None
        changed = {"cancel_requested": True} | (ends if job.status == "queued" else {})
        return _known(await _changed(connection, jobs.c.job_id == job_id, **changed))


async def count_jobs(db: Database) -> dict[JobStatus, int]:
    """How many there are of each status."""
    statement = select(jobs.c.status, func.count()).group_by(jobs.c.status)
    async with db.core() as connection:
        found = dict(tuple(row) for row in await connection.execute(statement))
    return {status: found.get(status, 0) for status in get_args(JobStatus)}


async def has_queued(db: Database, kinds: Sequence[JobKind]) -> bool:
    async def work(connection: Connection) -> bool:
        cursor = await connection.execute(
            "SELECT 1 FROM jobs WHERE ended_at IS NULL AND status = 'queued' AND kind = ANY(%s) LIMIT 1", [list(kinds)]
        )
        return await cursor.fetchone() is not None

    return await db.tried(work)


@asynccontextmanager
async def claimed(
    db: Database, job_id: str | None = None, kinds: Sequence[JobKind] = LONG
) -> AsyncIterator[Job | None]:
    """The job of these kinds that has waited longest, or this one if it waits: running, and held while the block lasts.

    The lock is taken before the claim can be seen, so that a job that is seen running without a lock is abandoned.
    """
    connection = await db.connect()
    try:
        async with connection.transaction(), connection.cursor(row_factory=class_row(Job)) as cursor:
            job = await (await cursor.execute(_CLAIM, [list(kinds), job_id])).fetchone()
            if job:
                await connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [_lock(job.job_id)])
        yield job
    finally:
        await connection.close()


async def report(db: Database, job: Job, progress: float, stage: str, log: Sequence[str]) -> bool:
    """Keeps how far it is; returns whether it is to stop, because that was asked or because another has taken over."""
    async with db.core() as connection:
        row = await _changed(connection, *_own(job), progress=progress, stage=stage, log=list(log))
    return row is None or bool(row.cancel_requested)


async def finish(
    db: Database, job: Job, status: JobStatus, result: dict[str, Any] | None = None, error: str | None = None
) -> None:
    """The end of a run that still owns its job."""
    whole = {"progress": 1.0} if status == "done" else {}
    async with db.core() as connection:
        await _changed(connection, *_own(job), status=status, result=result, error=error, ended_at=func.now(), **whole)


async def put_back(db: Database, job: Job) -> None:
    """The process stops: the job waits again, and this start does not count."""
    async with db.core() as connection:
        await _changed(connection, *_own(job), status="queued", n_starts=jobs.c.n_starts - 1, started_at=None)


async def recover(db: Database) -> int:
    """Jobs whose process has died wait again, or fail the second time; returns how many. Forgets very old ones."""
    async with db.core() as connection:
        running = list(await connection.execute(select(*_COLUMNS).where(jobs.c.status == "running")))
        old = jobs.c.ended_at < func.now() - func.make_interval(0, 0, 0, KEPT_DAYS)
        await connection.execute(jobs.delete().where(old))
    n_abandoned = 0
    for job in map(_known, running):
        async with leader(db, _lock(job.job_id)) as abandoned:
            if abandoned:
                n_abandoned += 1
                await _take_back(db, job)
    return n_abandoned


async def _take_back(db: Database, job: Job) -> None:
    if job.cancel_requested:
        await finish(db, job, "cancelled")
    elif job.n_starts >= MAX_STARTS and job.kind != ERASE:
        await finish(db, job, "failed", error=f"Its process ended {job.n_starts} times before it was done.")
    else:
        async with db.core() as connection:
            await _changed(connection, *_own(job), status="queued", started_at=None)


def _own(job: Job) -> tuple[ColumnElement[bool], ...]:
    return jobs.c.job_id == job.job_id, jobs.c.status == "running", jobs.c.n_starts == job.n_starts


async def _changed(connection: AsyncConnection, *where: ColumnElement[bool], **values: Any) -> Row[Any] | None:
    statement = update(jobs).where(*where).values(values).returning(*_COLUMNS)
    return (await connection.execute(statement)).one_or_none()


def _known(row: Any) -> Job:
    if row is None:
        raise NotFound("No job has this id.", "GET /jobs lists all of them.", code="job_unknown")
    return Job(*row)


def _lock(job_id: str) -> str:
    return f"job {job_id}"
