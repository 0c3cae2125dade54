"""`portrait import`: what was understood, a question, progress, and an account of every record."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.cli.database import opened
from app.cli.progress import Bars
from app.cli.restoring import is_export, restore
from app.cli.settings import load
from app.cli.voice import console, say
from app.domain.errors import InvalidInput
from app.services.import_records import Count, Rejects, Report, check_records, import_records
from app.settings import Settings
from app.sources.base import Raw, Source
from app.sources.completejourney import CompleteJourney
from app.sources.files import File, Files
from app.sources.guess import wishes_of
from app.sources.movielens import MovieLens

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Wanted:
    what: list[str]
    mapping: str
    timezone: str
    dry_run: bool
    rejects: Path | None
    yes: bool


def run_import(wanted: Wanted) -> None:
    settings = load()
    if is_export(wanted.what):
        restore(settings, [Path(path) for path in wanted.what], wanted.dry_run)
        return
    source = source_of(wanted.what, wanted.mapping, wanted.timezone)
    _show(source)
    if not (wanted.yes or wanted.dry_run or _agreed()):
        say("Nothing was imported.")
        return
    rejects = wanted.rejects or Path(f"{source.name}.rejects.jsonl")
    with Rejects(rejects) as refused:
        report = _check(settings, source, refused) if wanted.dry_run else _store(settings, source, refused)
    _account(report, rejects, wanted.dry_run)


def source_of(what: list[str], mapping: str, timezone: str) -> Source:
    """What the words on the command line name. Raises InvalidInput."""
    first, *rest = what
    if first == "completejourney" and not rest:
        return CompleteJourney()
    if first == "movielens":
        if len(rest) != 1:
            raise InvalidInput("`movielens` needs one path.", "Give the zip file, or the folder it was unpacked to.")
        return MovieLens(Path(rest[0]))
    return Files([Path(path) for path in what], wishes_of(mapping), _zone(timezone), load().rating_max)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"There is no time zone {name!r}.", "Name one like Europe/London.") from error


def _agreed() -> bool:
    import typer

    return typer.confirm("Import this?", default=True)


def _show(source: Source) -> None:
    say(f"[bold]{source.name}[/]: about {source.n_items:,} items and {source.n_behaviors:,} behaviours")
    for file in source.files if isinstance(source, Files) else ():
        console().print(_mapping(file), _first_rows(file.sample(5)))


def _mapping(file: File) -> Table:
    from rich.table import Table

    plan = file.plan
    table = Table("field", "column", title=f"{file.table.file}: {plan.kind}", title_justify="left")
    for name, column in plan.fields.items():
        table.add_row(name, column)
    if plan.type:
        table.add_row("type", f"'{plan.type}' for all")
    if plan.scale:
        table.add_row("value", f"ratings up to {plan.scale:g}")
    if plan.extras:
        table.add_row("attributes", ", ".join(plan.extras))
    if plan.unused:
        table.add_row("[dim]not used[/]", f"[dim]{', '.join(plan.unused)}[/]")
    return table


def _first_rows(raws: list[Raw]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    names = list(dict.fromkeys(name for raw in raws for name in raw))
    table = Table(*names, title="first rows", title_justify="left")
    for raw in raws:
        table.add_row(*(escape(_short(raw.get(name))) for name in names))
    return table


def _short(value: object) -> str:
    text = "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _check(settings: Settings, source: Source, rejects: Rejects) -> Report:
    with Bars(source) as bars:
        return asyncio.run(check_records(settings.ingest, datetime.now(UTC), source, rejects, bars.advance))


def _store(settings: Settings, source: Source, rejects: Rejects) -> Report:
    from app.bootstrap import open_context
    from app.storage import migrate

    async def work(named: Settings) -> Report:
        async with open_context(named) as ctx:
            with Bars(source) as bars:
                return await import_records(ctx, source, rejects, bars.advance)

    with opened(settings) as (named, url):
        migrate.upgrade(url)
        return asyncio.run(work(named))


def _account(report: Report, rejects: Path, dry_run: bool) -> None:
    for name, count in (("items", report.items), ("behaviours", report.behaviors)):
        if count.read:
            say(_line(name, count, dry_run))
    for reason, n in report.reasons.most_common():
        say(f"  [yellow]refused[/] {n:,}: {reason}")
    for warning in report.warnings.values():
        say(f"  [yellow]note[/] {warning}")
    if report.reasons:
        say(f"Refused records, one a line with reason and place: {rejects}")


def _line(name: str, count: Count, dry_run: bool) -> str:
    told = f"{count.added:,} {'good' if dry_run else 'new or changed'}"
    if not dry_run:
        told += f", {count.known:,} known before"
    return f"[green]✓[/] {name}: {told}, {count.rejected:,} refused; {count.seconds:.1f} s, {count.per_s:,.0f} rows/s"
