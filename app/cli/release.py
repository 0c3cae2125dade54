"""`portrait release`: figures about everybody with differential privacy, and what they have cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from app.cli.database import opened
from app.cli.settings import load
from app.cli.voice import console, say
from app.domain.errors import InvalidInput
from app.privacy.noise import Bounds
from app.services.release_popularity import By, Wanted, release_popularity
from app.settings import Settings
from app.storage import migrate
from app.storage.engine import Database
from app.storage.releases import spent

T = TypeVar("T")


def run_popularity(by: By, bounds: Bounds, n_days: int, until: str | None, out: Path) -> None:
    """The file is there before the budget is spent: a folder that cannot be written costs nothing."""
    last = _day(until)

    async def work(db: Database, settings: Settings) -> dict[str, Any]:
        wanted = Wanted(last, n_days, by, bounds, settings.user_day_epsilon)
        return await release_popularity(db, settings.ingest.weights, wanted)

    _make(out)
    try:
        released = _with_database(work)
    except BaseException:
        out.unlink()
        raise
    out.write_text(json.dumps(released, indent=1))
    say(f"[green]✓[/] {len(released['counts']):,} counts a day, noise of scale {released['scale']:.3g}: {out}")


def show_budget() -> None:
    from rich.table import Table

    async def work(db: Database, settings: Settings) -> None:
        used = await spent(db)
        if not used:
            say(f"Nothing has been released: each user-day has its whole epsilon of {settings.user_day_epsilon:.3g}.")
            return
        table = Table("day (UTC)", "spent", "left", box=None, pad_edge=False)
        for day, epsilon in used.items():
            table.add_row(str(day), f"{epsilon:.3g}", f"{max(settings.user_day_epsilon - epsilon, 0):.3g}")
        console().print(table)

    _with_database(work)


def _day(text: str | None) -> date:
    """Yesterday unless given: today is not over."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    try:
        day = date.fromisoformat(text) if text else yesterday
    except ValueError:
        day = date.max
    if day > yesterday:
        raise InvalidInput(f"{text} is no day that is over.", "Say --until 2026-01-31: a day (UTC) before today.")
    return day


def _make(path: Path) -> None:
    """Raises InvalidInput rather than write over what was paid for."""
    try:
        path.touch(exist_ok=False)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be made: {error.strerror}.", "Name a new file in --out.") from None


def _with_database(work: Callable[[Database, Settings], Awaitable[T]]) -> T:
    async def run(url: str, settings: Settings) -> T:
        db = await Database.open(url, 1, settings.master_keys)
        try:
            return await work(db, settings)
        finally:
            await db.close()

    with opened(load()) as (settings, url):
        migrate.upgrade(url)
        return asyncio.run(run(url, settings))
