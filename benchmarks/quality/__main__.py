"""`python -m benchmarks.quality`: every data set, every system, and the report.

What a data set gave is kept in `results.json` and `sections`, so that sets can be examined one after another.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.evaluation.baselines.lineup import ByTrack
from app.evaluation.replay import Exam, Mode, Track
from app.evaluation.report import comparison_table, to_json, to_markdown
from app.services.exam import DataSet, Paper, exam_of, portrait_of, sit, tuned_lineup, untuned
from app.services.exam_report import comparisons, save_ranks, section
from benchmarks.quality import change, cold
from benchmarks.quality.data import SETS, load, present
from benchmarks.quality.figures import save_figures
from benchmarks.quality.sasrec import sasrec

HERE = Path(__file__).parent
Part = tuple[str, dict[str, Any]]  # Markdown, and the same as plain values


def main() -> None:
    wanted = arguments()
    (wanted.out / "sections").mkdir(parents=True, exist_ok=True)
    for name in wanted.data:
        if not present(name, wanted.data_dir):
            print(f"{name}: skipped, {wanted.data_dir / name} is not there")
            continue
        keep(wanted.out, name, *_one(load(name, wanted.data_dir, wanted.cache), wanted))


def keep(out: Path, name: str, text: str, plain: dict[str, Any]) -> None:
    """Beside what other data sets gave."""
    (out / "sections" / f"{name}.md").write_text(text)
    results = out / "results.json"
    known = json.loads(results.read_text()) if results.exists() else {}
    results.write_text(json.dumps(known | {name: plain}, indent=1))
    sections = [path.read_text() for one in SETS if (path := out / "sections" / f"{one}.md").exists()]
    (out / "REPORT.md").write_text("\n".join([(HERE / "HEAD.md").read_text(), *sections]))


def _one(data: DataSet, wanted: argparse.Namespace) -> Part:
    started = time.monotonic()
    exam, portrait, modes = exam_of(data, wanted.queries), portrait_of(data), [Mode(mode) for mode in wanted.modes]
    systems = _chosen(tuned_lineup(data, print) if wanted.tune else untuned(data), wanted.systems)
    papers = [
        *sit(data, exam, systems, modes, print, portrait),
        *sasrec(data, exam, modes, wanted.sasrec_minutes, print),
    ]
    save_ranks(papers, wanted.out / f"{data.name}.ranks.parquet")
    extras: dict[str, Callable[[], Part]] = {
        "cold": lambda: _cold(data, exam, systems, papers, wanted.queries),
        "change": lambda: _change(data, exam, systems, portrait, papers, wanted.out),
    }
    parts = [extras[name]() for name in wanted.extras]
    text, plain = section(data, papers, comparisons(papers), time.monotonic() - started)
    for more, values in parts:
        text, plain = f"{text}\n{more}", plain | values
    return text, plain


def _chosen(systems: Mapping[str, ByTrack], names: Sequence[str] | None) -> dict[str, ByTrack]:
    return {name: makers for name, makers in systems.items() if names is None or name in names}


def _cold(
    data: DataSet, exam: Exam, systems: Mapping[str, ByTrack], papers: Sequence[Paper], n_queries: int | None
) -> Part:
    held = cold.withheld(data, exam.start, systems, n_queries, print)
    kinds = {"items that came after the models": cold.natural(papers, exam), "15 % of the items withheld": held}
    texts, plain = [], {}
    for kind, some in kinds.items():
        against = comparisons(some)
        texts.append(f"## {data.name}: {kind}\n\n{to_markdown([paper.result for paper in some])}")
        texts += [f"{comparison_table(rivals)}" for rivals in against.values()]
        rivals = next(iter(against.values()), {})
        plain[kind] = to_json([paper.result for paper in some], rivals)
    return "\n".join(texts), {"cold": plain}


def _change(
    data: DataSet,
    exam: Exam,
    systems: Mapping[str, ByTrack],
    portrait: Any,
    papers: Sequence[Paper],
    out: Path,
) -> Part:
    found = change.changes(data, exam, systems, portrait, print)
    results = [one.result for one in papers if one.track is Track.NEW and one.mode is Mode.UPDATED]
    figures = save_figures(data.name, results, found, out / "figures")
    text = f"## {data.name}: people who change\n\n{change.change_table(found)}" if found else ""
    shown = "\n".join(f"![{path.stem}](figures/{path.name})" for path in figures)
    return f"{text}\n{shown}\n", {"change": change.plain(found)}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--data", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--data-dir", type=Path, default=HERE.parents[2] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=Path(".quality"), help="for embeddings of item texts")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--queries", type=int, default=2_000, help="a random sample of so many behaviours; 0 asks all")
    parser.add_argument("--modes", nargs="+", choices=[mode.value for mode in Mode], default=["U"])
    parser.add_argument("--systems", nargs="*", help="competitors by name; all without it, none with no name")
    parser.add_argument("--extras", nargs="*", choices=["cold", "change"], default=["cold", "change"])
    parser.add_argument("--tune", action=argparse.BooleanOptionalAction, default=True, help="on the validation span")
    parser.add_argument(
        "--sasrec-minutes", type=float, default=30.0, help="to look for its best epoch; 0 leaves it out"
    )
    wanted = parser.parse_args(given)
    wanted.queries = wanted.queries or None
    return wanted


if __name__ == "__main__":
    main()
