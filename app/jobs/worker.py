"""The jobs process: one leader among all that run does what is due, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import time

from app.domain.errors import PortraitError
from app.domain.job import ERASE
from app.jobs.queue import Queue
from app.jobs.schedule import Step, steps
from app.services.context import Context
from app.storage.jobs import recover
from app.storage.locks import leader

log = logging.getLogger(__name__)

TICK_S = 1.0
# A lock is lost with its connection, and nothing tells: so the leader asks for it anew this often.
TERM_S = 60.0


async def run_jobs(ctx: Context, stop: asyncio.Event) -> None:
    """Returns after `stop` is set, the step that runs has ended and the long job waits in the queue again.

    Nothing that goes wrong ends it. Quick steps come one after another; a long job runs beside them.
    """
    # People who want to be forgotten do not wait for a training to end.
    todo, queues = steps(), [Queue(ctx, stop), Queue(ctx, stop, [ERASE])]
    while not stop.is_set():
        try:
            async with leader(ctx.db, "jobs") as leads:
                if leads:
                    await _lead(ctx, todo, queues, stop)
        except PortraitError as error:
            log.warning("jobs wait: %s", error.detail)
        await _pause(stop)
    for queue in queues:
        await queue.ended()


async def _lead(ctx: Context, todo: list[Step], queues: list[Queue], stop: asyncio.Event) -> None:
    until = time.monotonic() + TERM_S
    if n_abandoned := await recover(ctx.db):
        log.warning("%d jobs were running in processes that have died", n_abandoned)
    while time.monotonic() < until and not stop.is_set():
        for queue in queues:
            await queue.look()
        for step in todo:
            if step.due_at <= time.monotonic() and not stop.is_set():
                await _run(ctx, step)
        if all(step.due_at > time.monotonic() for step in todo):
            await _pause(stop)


async def _run(ctx: Context, step: Step) -> None:
    started = time.monotonic()
    try:
        result = await step.run(ctx)
    except Exception as error:  # whatever one job does, the others go on and it is tried again
        log.error(step.failed(error, time.monotonic()))
        return
    ended = time.monotonic()
    step.done(result, started, ended)
    if result:
        log.info("%s: %d after %.1f s", step.name, result, ended - started)


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(TICK_S):
            await stop.wait()
    except TimeoutError:
        return
