"""How long learning takes, and how much memory: `python -m benchmarks.learning`.

The log of completejourney's 12,000 most sold products: 2,469 households, 1.2 million purchases.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.index import snapshot
from app.index.faiss_space import FaissSpace
from app.retrieval import text_map
from app.retrieval.base import Log
from app.services.portrait_scorer import log_of
from app.training.generators import FITS
from app.training.people import fit_people
from app.training.pipeline import Plan, learn
from benchmarks.quality.data import load


class Peak:
    """The greatest resident memory of this process while it is open, in MB."""

    def __enter__(self) -> Peak:
        self.mb, self._open, self._process = 0.0, True, psutil.Process()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._thread.join()

    def _watch(self) -> None:
        while self._open:
            with suppress(psutil.Error):
                self.mb = max(self.mb, self._process.memory_info().rss / 1e6)
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".quality"), help="for embeddings of item texts")
    data = load("completejourney", Path(), parser.parse_args().cache)
    log, catalogue, space, plan = log_of(data.events), Catalogue(data.items), _space(data.items, data.raw), Plan()
    wanted = log.wanted().compact()
    vectors = space.vectors(catalogue.rows(wanted.item_ids))
    print(f"{os.cpu_count()} cores; {len(log.at):,} behaviours, {len(wanted.item_ids):,} items\n")
    print("| what | seconds | peak memory of the process, MB |\n|---|---:|---:|")
    steps: dict[str, Callable[[], object]] = {
        **{name: partial(fit, wanted) for name, fit in FITS.items()},
        "text_map": lambda: text_map.fit(wanted, vectors, space.version),
        "segments and topics": lambda: fit_people(log, catalogue, plan.half_lives),
    }
    total = sum(_row(name, step) for name, step in steps.items())
    print(f"| **one fit of all sources** | **{total:.0f}** | |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        _row(
            "a whole training: sources twice, lessons, policies, judgement",
            lambda: _learn(log, catalogue, space, folder),
        )


def _learn(log: Log, catalogue: Catalogue, space: FaissSpace, folder: str) -> None:
    learn(log, catalogue, space, Plan()).write(Path(folder))


def _row(name: str, step: Callable[[], object]) -> float:
    started = time.perf_counter()
    with Peak() as peak:
        step()
    seconds = time.perf_counter() - started
    print(f"| {name} | {seconds:.1f} | {peak.mb:,.0f} |", flush=True)
    return seconds


def _space(items: Sequence[Item], raw: np.ndarray) -> FaissSpace:
    known = np.flatnonzero(np.isfinite(raw).all(axis=1)).astype(np.int32)
    some = [items[row] for row in known.tolist()]
    half = raw[known].astype(np.float16)
    space = FaissSpace(snapshot.build("benchmark", some, half), "benchmark")
    space.claim([item.item_id for item in some], known, snapshot.fingerprints(half))
    return space


if __name__ == "__main__":
    main()
