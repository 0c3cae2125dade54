"""Is the profile alive? Builds the world, measures every row and prints the table: `python -m benchmarks.living`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import living_rows as rows
from benchmarks import server, world
from benchmarks.living_rows import QUICK, WHOLE, Living, Size
from benchmarks.speed import folder_of
from benchmarks.table import Row, lines
from benchmarks.traffic import Traffic
from benchmarks.world import World

# What teaches the sources something new comes last: the rows before compare lists that were made of the same.
MEASURES: dict[str, Callable[[Living], Coroutine[Any, Any, list[Row]]]] = {
    "without": rows.counterfactuals,
    "why": rows.whys,
    "more": rows.more,
    "never": rows.never,
    "profile": rows.profiles,
    "history": rows.history,
}


def main() -> int:
    options = _options()
    with folder_of(options.keep) as folder:
        table = _measured(world.known(folder), options.only, QUICK if options.quick else WHOLE)
    print(f"\n{lines(table)}")
    return int(any(row.missed for row in table))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.living", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="these rows only")
    parser.add_argument("--keep", type=Path, help="folder where the data set stays, the same as for benchmarks.speed")
    parser.add_argument("--quick", action="store_true", help="a tenth of the tries, for a first look")
    return parser.parse_args()


def _measured(known: World, names: list[str], size: Size) -> list[Row]:
    with server.portrait(known.data_dir, 1) as portrait:
        if not portrait.settle():
            print("jobs are still busy; the figures suffer", file=sys.stderr, flush=True)
        bench = Living(portrait, Traffic(known, seed=1), known, size)
        uvloop.run(bench.warm_up())
        table = []
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            table += uvloop.run(MEASURES[name](bench))
        return table


if __name__ == "__main__":
    sys.exit(main())
