"""`portrait verify`, `redrive` and `unflag`: does everything agree with the log, and what comes back into it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from app.cli.database import opened
from app.cli.settings import load
from app.cli.voice import console, say
from app.domain.errors import Misconfigured
from app.services.quarantine import redrive
from app.services.verify import Checked, verify_users
from app.services.verify_world import verify_world
from app.storage import migrate
from app.storage.flags import lift_flags

if TYPE_CHECKING:
    from app.services.context import Context

T = TypeVar("T")


def run_verify(n_users: int | None) -> int:
    """1 when something disagrees."""

    async def work(ctx: Context) -> list[Checked]:
        return [*await verify_users(ctx, n_users), *await verify_world(ctx)]

    findings = with_context(work)
    show(findings)
    return int(any(finding.n_wrong for finding in findings))


def run_redrive() -> None:
    n_back, n_left = with_context(redrive)
    say(f"{n_back} behaviours are back in their profiles, {n_left} still cannot be folded.")


def run_unflag(user_id: str) -> None:
    n_back = with_context(lambda ctx: lift_flags(ctx.db, user_id))
    say(f"{n_back} behaviours count again. More of them than the limits allow will be flagged again.")


def with_context(work: Callable[[Context], Awaitable[T]]) -> T:
    """What `work` returns for the parts of a process on the database of the settings. Raises `Misconfigured`."""
    from app.bootstrap import open_context

    with opened(load()) as (settings, url):
        if migrate.current(url) != migrate.head():
            raise Misconfigured("The database is of another release.", "Run: portrait db upgrade")

        async def run() -> T:
            async with open_context(settings, with_encoder=False) as ctx:
                while settings.encoder_model is not None and not (  # noqa: ASYNC110
                    ctx.encoder.ready or ctx.encoder.problem
                ):
                    await asyncio.sleep(0.05)  # it loads in a thread, and only then is its name known
                return await work(ctx)

        return asyncio.run(run())


def show(findings: Sequence[Checked]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "what", "looked at", "wrong", box=None, pad_edge=False)
    for found in findings:
        sign = "[red]✗[/]" if found.n_wrong else "[yellow]![/]" if found.note else "[green]✓[/]"
        table.add_row(sign, found.what, f"{found.n_looked_at:,}", f"{found.n_wrong:,}")
    console().print(table)
    for found in findings:
        for line in [*found.examples, *([found.note] if found.note else [])]:
            say(f"  [dim]{found.what}:[/] {escape(line)}")
