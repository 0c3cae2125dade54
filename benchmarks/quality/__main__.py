"""`python -m benchmarks.quality`: every data set, every system, and the report."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from app.evaluation.replay import Mode
from app.services.exam import exam_of, sit, tuned_lineup
from app.services.exam_report import comparisons, save_ranks, section
from benchmarks.quality.data import SETS, load, present

HERE = Path(__file__).parent


def main() -> None:
    wanted = _arguments()
    wanted.out.mkdir(parents=True, exist_ok=True)
    told: list[str] = []
    for name in wanted.data:
        if not present(name, wanted.data_dir):
            print(f"{name}: skipped, {wanted.data_dir / name} is not there")
            continue
        told.append(_one(name, wanted))
        (wanted.out / "REPORT.md").write_text((HERE / "HEAD.md").read_text() + "\n".join(told))


def _one(name: str, wanted: argparse.Namespace) -> str:
    data = load(name, wanted.data_dir, wanted.cache)
    exam = exam_of(data, wanted.queries)
    started = time.monotonic()
    papers = list(sit(data, exam, tuned_lineup(data, print), [Mode(mode) for mode in wanted.modes], print))
    against = comparisons(papers)
    save_ranks(papers, wanted.out / f"{name}.ranks.parquet")
    text, plain = section(data, papers, against, time.monotonic() - started)
    (wanted.out / f"{name}.json").write_text(json.dumps(plain, indent=1))
    return text


def _arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--data", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--data-dir", type=Path, default=HERE.parents[2] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=Path(".quality"), help="for embeddings of item texts")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--queries", type=int, default=2_000, help="a random sample of so many behaviours; 0 asks all")
    parser.add_argument("--modes", nargs="+", choices=[mode.value for mode in Mode], default=["U"])
    wanted = parser.parse_args(arguments)
    wanted.queries = wanted.queries or None
    return wanted


if __name__ == "__main__":
    main()
