"""`portrait train`: asks for training, watches it, and does it here when no service is there to do it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.database import opened
from app.cli.models import tell_how_it_serves
from app.cli.settings import load
from app.cli.voice import console, say
from app.domain.errors import PortraitError
from app.domain.job import TRAIN, TRAIN_ENCODER, Job, JobKind
from app.services.jobs import LOOK_EVERY_S, cancel_job, get_job, submit_job
from app.storage import migrate
from app.storage.engine import Database
from app.storage.jobs import claimed
from app.storage.locks import leader
from app.storage.models import get_model

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from app.settings import Settings


def run_train(wait: bool) -> None:
    job, _ = _done(TRAIN, {}, wait)
    if wait:
        _tell(job)


def run_train_encoder(minutes: float, lora: bool, wait: bool) -> None:
    job, folder = _done(TRAIN_ENCODER, {"minutes": minutes, "lora": lora}, wait)
    if wait:
        _tell_encoder(job, folder)


def _done(kind: JobKind, parameters: dict[str, Any], wait: bool) -> tuple[Job, Path | None]:
    """The job, ended if waited for, and the folder of the artifact that it made, if any."""
    with opened(load()) as (settings, url):
        migrate.upgrade(url)
        return asyncio.run(_train(settings, url, (kind, parameters), wait))


async def _train(
    settings: Settings, url: str, what: tuple[JobKind, dict[str, Any]], wait: bool
) -> tuple[Job, Path | None]:
    db = await Database.open(url, 2, settings.master_keys)
    try:
        job = await submit_job(db, *what)
        if not wait:
            say(f"Queued as job {job.job_id}; a running service does it.")
            return job, None
        job = await _watched(settings, db, job)
        return job, await _folder(settings, db, job)
    finally:
        await db.close()


async def _folder(settings: Settings, db: Database, job: Job) -> Path | None:
    version = (job.result or {}).get("version")
    if version is None:
        return None
    model = await get_model(db, version)
    return settings.artifacts_dir / model.kind / str(model.manifest["name"])


async def _watched(settings: Settings, db: Database, job: Job) -> Job:
    """Until it has ended. The one that runs here is cancelled by Ctrl-C, one that a service runs goes on."""
    here: asyncio.Task[None] | None = None
    try:
        with _bar() as (bar, task):
            while not job.ended:
                if here is None and job.status == "queued" and await _nobody_works(db):
                    here = asyncio.create_task(_run_here(settings, db, job))
                await (asyncio.wait({here}, timeout=LOOK_EVERY_S) if here else asyncio.sleep(LOOK_EVERY_S))
                if here and here.done():
                    here.result()
                    here = None
                job = await get_job(db, job.job_id)
                bar.update(task, completed=job.progress, description=job.stage or job.status)
        return job
    finally:
        if here and not here.done():
            await cancel_job(db, job.job_id)
            await here


async def _nobody_works(db: Database) -> bool:
    async with leader(db, "jobs") as leads:
        return leads


async def _run_here(settings: Settings, db: Database, job: Job) -> None:
    from app.bootstrap import open_context
    from app.jobs.run import run_job

    async with claimed(db, job.job_id) as mine:
        if mine:
            async with open_context(settings) as ctx:
                await run_job(ctx, mine, asyncio.Event())


@contextmanager
def _bar() -> Iterator[tuple[Progress, TaskID]]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<24}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(), transient=True) as bar:
        yield bar, bar.add_task("queued", total=1.0)


def _tell(job: Job) -> None:
    """What came of it; raises when nothing did."""
    result = _result(job)
    if result.get("version") is None:
        say("[yellow]![/] Nothing to learn from: no behaviour speaks for an item yet.")
        return
    sign, what = ("[green]✓[/]", "serves now") if result["promoted"] else ("[yellow]![/]", "lost; what served goes on")
    say(f"{sign} Version {result['version']} {what}.")
    tell_verdict(result.get("verdict"))


def _tell_encoder(job: Job, folder: Path | None) -> None:
    """The same of an encoder, which a setting lets serve; raises when nothing came of it."""
    result = _result(job)
    sign, what = ("[green]✓[/]", "won") if result["promoted"] else ("[yellow]![/]", "lost; what serves goes on")
    say(f"{sign} Encoder version {result['version']} {what}.")
    tell_verdict(result.get("verdict"))
    if result["promoted"] and folder:
        tell_how_it_serves(folder)


def _result(job: Job) -> dict[str, Any]:
    """Raises when the job did not come to its end."""
    if job.status != "done":
        why = job.error or f"The training was {job.status}."
        raise PortraitError(why, "Its stages: " + "; ".join(job.log[-3:]) if job.log else "")
    return job.result or {}


def tell_verdict(verdict: dict[str, Any] | None) -> None:
    """Reasons and figures, a line each."""
    from rich.markup import escape

    for reason in (verdict or {}).get("reasons", ()):
        say(f"  {escape(str(reason))}")
    for name, figure in (verdict or {}).get("figures", {}).items():
        shown = f"{figure:.4f}" if isinstance(figure, float) else str(figure)
        say(f"  [dim]{escape(str(name)):<28}[/] {escape(shown)}")
