"""`make guarantees`: promises that take too long for every test run, each with its figure and whether it holds.

A promise is a sentence and a function that measures it: add one to PROMISES.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from app.cli.chaos.run import Report, run_chaos
from app.cli.settings import load
from app.cli.voice import console, say

SECONDS, N_BEHAVIORS = 120.0, 50_000
READY_WITHIN_S = 15.0


class Outcome(NamedTuple):
    figure: str
    holds: bool


@cache
def chaos() -> Report:
    seed = secrets.randbelow(1_000_000)
    say(f"Chaos for {SECONDS:g} s and {N_BEHAVIORS:,} behaviours at least: `portrait chaos --seed {seed}`")
    return run_chaos(load(), SECONDS, N_BEHAVIORS, seed)


def nothing_lost() -> Outcome:
    verdict = chaos().verdict
    figure = f"{verdict.lost} lost, {verdict.doubled} doubled, {verdict.unexpected} unexpected of "
    return Outcome(
        figure + f"{verdict.n_acknowledged:,} acknowledged", verdict.good and verdict.n_acknowledged >= N_BEHAVIORS
    )


def profiles_count() -> Outcome:
    n = len(chaos().miscounted)
    return Outcome(f"{n} profiles count otherwise", not n)


def no_strange_answers() -> Outcome:
    n = len(chaos().strange)
    return Outcome(f"{n} answers beside 200, 429 and 503, after {chaos().n_retries:,} retries", not n)


def ready_again() -> Outcome:
    longest = max(chaos().ready_after_s)
    return Outcome(f"{longest:.1f} s at most, killed {sum(chaos().blows.values())} times", longest <= READY_WITHIN_S)


PROMISES: list[tuple[str, Callable[[], Outcome]]] = [
    ("What is acknowledged is stored once, whatever is killed", nothing_lost),
    ("Profiles count exactly what was acknowledged", profiles_count),
    ("A client sees nothing worse than 503 meanwhile", no_strange_answers),
    (f"Killed, it is ready again within {READY_WITHIN_S:g} s", ready_again),
]


def main() -> int:
    from rich.table import Table

    table, holds = Table("promise", "figure", "", box=None, pad_edge=False), True
    for promise, measure in PROMISES:
        outcome = measure()
        table.add_row(promise, outcome.figure, "[green]holds[/]" if outcome.holds else "[red]BROKEN[/]")
        holds = holds and outcome.holds
    console().print(table)
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
