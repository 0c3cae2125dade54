"""One claimed job from its start to its end in the database."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.domain.errors import Cancelled, PortraitError, Unavailable
from app.domain.job import ERASE, SPACE, TRAIN, TRAIN_ENCODER, Job, JobKind
from app.domain.progress import Progress
from app.jobs.reporter import Reporter
from app.services.context import Context
from app.services.erase_user import erase_user
from app.services.publish_space import renew_space
from app.services.retrain import retrain
from app.services.train_encoder import train_encoder
from app.storage.engine import Database
from app.storage.jobs import finish, put_back, report
from app.storage.models import get_model

log = logging.getLogger(__name__)

WRITE_EVERY_S = 0.5
# How long work may take to notice that it is to stop; the supervisor kills after three seconds.
GRACE_S = 1.0

Result = dict[str, Any]
Work = Callable[..., Awaitable[int | None]]  # of a context and a progress, and the job's parameters by name
WORK: dict[JobKind, Work] = {TRAIN: retrain, TRAIN_ENCODER: train_encoder, SPACE: renew_space}


async def run_job(ctx: Context, job: Job, stop: asyncio.Event) -> None:
    """Returns when it has ended or, after `stop` is set, when it waits in the queue again. Never raises for its work.

    A thread that does not notice in time is left behind: it ends at its next word, and what it returns is lost.
    """
    reporter = Reporter(job.log)
    work = asyncio.create_task(_result(ctx, job, reporter))
    try:
        await _watch(ctx.db, job, reporter, work, stop)
    finally:
        if not work.done():
            await _interrupt(reporter, work)
    if _was_cut(work):
        await _keep(ctx.db, job, reporter)
        await (put_back(ctx.db, job) if stop.is_set() else finish(ctx.db, job, "cancelled"))
    elif error := work.exception():
        reporter.note(said := _said(error))
        log.error("job %s failed: %s", job.kind, said)
        await _keep(ctx.db, job, reporter)
        await finish(ctx.db, job, "failed", error=said)
    else:
        await _keep(ctx.db, job, reporter)
        await finish(ctx.db, job, "done", work.result())


async def _result(ctx: Context, job: Job, progress: Progress) -> Result:
    if job.kind == ERASE:
        return await erase_user(ctx, job.job_id, progress)
    version = await WORK[job.kind](ctx, progress, **job.parameters)
    if version is None:
        return {"version": None, "promoted": False, "verdict": None}
    model = await get_model(ctx.db, version)
    return {"version": version, "promoted": model.promoted_at is not None, "verdict": model.verdict}


async def _watch(db: Database, job: Job, reporter: Reporter, work: asyncio.Task[Result], stop: asyncio.Event) -> None:
    """Returns when the work has ended, or is to be interrupted."""
    stopping = asyncio.create_task(stop.wait())
    try:
        while not work.done():
            await asyncio.wait({work, stopping}, timeout=WRITE_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set() or await _keep(db, job, reporter):
                return
    finally:
        stopping.cancel()


async def _keep(db: Database, job: Job, reporter: Reporter) -> bool:
    """Whether it is to stop. Progress that cannot be written is written the next time."""
    try:
        return await report(db, job, *reporter.told())
    except Unavailable:
        return False


async def _interrupt(reporter: Reporter, work: asyncio.Task[Result]) -> None:
    reporter.stop()
    await asyncio.wait({work}, timeout=GRACE_S)
    work.cancel()
    await asyncio.wait({work})


def _was_cut(work: asyncio.Task[Result]) -> bool:
    return work.cancelled() or isinstance(work.exception(), Cancelled)


def _said(error: BaseException) -> str:
    """What happened, for people; of a defect where it is, without its message, which may quote values."""
    if isinstance(error, PortraitError):
        return error.detail
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {where.name} ({Path(where.filename).name}:{where.lineno})"
