"""Builds the world, measures every row and prints the table: `python -m benchmarks.speed`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import rows, server, world
from benchmarks.rows import Bench
from benchmarks.table import Row, lines
from benchmarks.traffic import Traffic
from benchmarks.world import World

MEASURES: dict[str, Callable[[Bench], Coroutine[Any, Any, Row]]] = {
    "profile": rows.profiles,
    "recommend": rows.recommendations,
    "p99": rows.recommendations_p99,
    "post": rows.single_posts,
    "batch": rows.batch_posts,
    "lag": rows.lag,
    "stale": rows.staleness,
    "memory": rows.memory,
}


def main() -> int:
    options = _options()
    with folder_of(options.keep) as folder:
        known = world.known(folder)
        tables = [_measured(known, n_workers, options.only) for n_workers in options.workers]
    for n_workers, table in zip(options.workers, tables, strict=True):
        print(f"\n{n_workers} worker{'s' * (n_workers > 1)}\n\n{lines(table)}")
    return int(any(row.missed for table in tables for row in table))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="one table for each number (1 2)")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="these rows only")
    parser.add_argument("--keep", type=Path, help="folder where the data set stays for the next run")
    return parser.parse_args()


@contextmanager
def folder_of(keep: Path | None) -> Iterator[Path]:
    """The one to keep, or one that goes when the block ends."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="portrait-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _measured(known: World, n_workers: int, names: list[str]) -> list[Row]:
    with server.portrait(known.data_dir, n_workers) as portrait, server.empty(n_workers) as empty:
        if not portrait.settle():
            print("jobs are still busy; the figures suffer", file=sys.stderr, flush=True)
        bench = Bench(portrait, Traffic(known, seed=n_workers), known, empty)
        uvloop.run(bench.warm_up())
        table = [rows.imported(known), rows.start(portrait)]
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            table.append(uvloop.run(MEASURES[name](bench)))
        return table


if __name__ == "__main__":
    sys.exit(main())
