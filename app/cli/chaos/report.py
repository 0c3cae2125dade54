"""What came of the chaos, as a table."""

from __future__ import annotations

import secrets

from app.cli.chaos.run import Report, run_chaos
from app.cli.settings import load
from app.cli.voice import console, say


def run_and_tell(seconds: float, n_behaviors: int, seed: int | None) -> int:
    """1 when something was lost, doubled, unexpected, miscounted, or answered as it must not be."""
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    say(f"Chaos with --seed {seed}: at least {seconds:g} s and {n_behaviors:,} behaviours ...")
    report = run_chaos(load(), seconds, n_behaviors, seed)
    show(report)
    return 0 if report.good else 1


def show(report: Report) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, told in _lines(report):
        table.add_row(name, told)
    console().print(table)
    for strange in report.strange[:3]:
        say(f"[red]✗[/] answered: {strange}")
    if report.folder:
        say(f"[red]✗[/] Logs and data are in {report.folder}.")
    else:
        say("[green]✓[/] Everything acknowledged is stored once.")


def _lines(report: Report) -> list[tuple[str, str]]:
    verdict = report.verdict
    return [
        ("acknowledged", f"{verdict.n_acknowledged:,}"),
        ("stored", f"{verdict.n_stored:,}"),
        ("lost", f"{verdict.lost:,}"),
        ("doubled", f"{verdict.doubled:,}"),
        ("unexpected", f"{verdict.unexpected:,}"),
        ("profiles that count otherwise", f"{len(report.miscounted):,}"),
        ("strange answers", f"{len(report.strange):,}"),
        ("retries", f"{report.n_retries:,}"),
        ("replies to COMMIT swallowed", f"{report.n_swallowed:,}"),
        ("connections reset", f"{report.n_resets:,}"),
        ("killed", ", ".join(f"{what} {n}" for what, n in sorted(report.blows.items()))),
        ("ready again after", f"{max(report.ready_after_s, default=0.0):.1f} s at most"),
    ]
