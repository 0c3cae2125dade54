"""What cannot be counted where it happens is looked at every second."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Literal, Protocol

import psutil

from app.domain.errors import PortraitError
from app.services.context import NOT_LOADED, Context
from app.storage.jobs import count_jobs
from app.telemetry import metrics
from app.telemetry.exposition import exposition

EVERY_S = 1.0
_VERSIONS = re.compile(r"(space|generators|online)-(\d+)")

Process = Literal["server", "jobs"]


class Crowd(Protocol):
    """Where requests are being answered."""

    n_inside: int


async def observe(ctx: Context, process: Process, inside: Crowd | None = None) -> None:
    """For as long as the process runs; `inside` is told of by servers."""
    this, due = psutil.Process(), time.monotonic()
    metrics.PROCESSES.labels(process).set(1)
    while True:
        metrics.LAG.labels(process).set(max(0.0, time.monotonic() - due))
        metrics.MEMORY.labels(process).set(this.memory_info().rss)
        metrics.TEXTS.labels(process).set(ctx.encoder.n_waiting)
        if inside is not None:
            _observe_server(ctx, inside)
        due = time.monotonic() + EVERY_S
        await asyncio.sleep(EVERY_S)


def _observe_server(ctx: Context, inside: Crowd) -> None:
    metrics.IN_FLIGHT.labels("server").set(inside.n_inside)
    metrics.CHECKPOINTS.labels("server").set(ctx.checkpoints.n_waiting)
    if ctx.world.model_version == NOT_LOADED:
        return
    metrics.ITEMS.labels("server").set(len(ctx.world.catalogue.row_of))
    for kind, version in _VERSIONS.findall(ctx.world.model_version):
        metrics.VERSION.labels("server", kind).set(int(version))


def note_followed() -> None:
    metrics.FOLLOWED.labels("server").set(time.time())


async def read_metrics(ctx: Context) -> bytes:
    """As Prometheus reads them; without the jobs while the database is away."""
    try:
        n_jobs = await count_jobs(ctx.db)
    except PortraitError:
        n_jobs = None
    return await asyncio.to_thread(exposition, n_jobs)
