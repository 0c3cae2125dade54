"""What an exam says: tables for people, plain values for machines, and the rank of every query for who checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.evaluation.bootstrap import Comparison
from app.evaluation.gate import against_queries
from app.evaluation.report import comparison_table, history_table, to_json, to_markdown
from app.services.exam import PORTRAIT, SEED, DataSet, Paper

Against = dict[str, dict[str, Comparison]]  # by "track, mode", then by system


def comparisons(papers: Sequence[Paper]) -> Against:
    """Portrait against everybody else in the same mode on the same track, paired by query, drawn by user."""
    found: Against = {}
    for ours in (paper for paper in papers if paper.system == PORTRAIT):
        rivals = [one for one in papers if (one.mode, one.track) == (ours.mode, ours.track) and one is not ours]
        rivals.sort(key=lambda one: -one.result.accuracy["NDCG@10"])
        found[f"{ours.track.value}, {ours.mode.value}"] = {
            one.system: against_queries(ours.outcome, one.outcome, SEED) for one in rivals
        }
    return found


def save_ranks(papers: Sequence[Paper], path: Path) -> None:
    """One row for each query, system, mode and track."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for paper in papers:
        records, n = paper.outcome.records, len(paper.outcome.records)
        columns: dict[str, Any] = {name: np.ascontiguousarray(records[name]) for name in records.dtype.names or ()}
        labels = {"system": paper.system, "mode": paper.mode.value, "track": paper.track.value}
        columns |= {name: pa.array([label] * n).dictionary_encode() for name, label in labels.items()}
        tables.append(pa.table(columns))
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")


def section(data: DataSet, papers: Sequence[Paper], against: Against, seconds: float) -> tuple[str, dict[str, Any]]:
    """Markdown of one data set, and the same as plain values."""
    results = [paper.result for paper in papers]
    parts = [f"## {data.name}\n", _about(data, seconds), to_markdown(results)]
    for place, rivals in against.items():
        parts.append(f"### Portrait against the others: {place}\n\n{comparison_table(rivals)}")
        some = [r for r in results if f"{r.track.value}, {r.mode.value}" == place]
        best = sorted(some, key=lambda r: -r.accuracy["NDCG@10"])[:6]
        parts.append(f"### By what was known of the user: {place}\n\n{history_table(best)}")
    plain = {place: to_json([], rivals)["comparisons"] for place, rivals in against.items()}
    return "\n".join(parts), {"data": data.name, **to_json(results, {}), "comparisons": plain}


def _about(data: DataSet, seconds: float) -> str:
    events = data.events
    size = f"{len(events):,} behaviours of {events.n_users:,} users on {events.n_items:,} items"
    return f"{size}; the exam took {seconds / 60:.0f} minutes.\n"


def lost(against: Mapping[str, Mapping[str, Comparison]]) -> list[str]:
    """Where somebody else was better, even if by chance."""
    return [
        f"{place}: {system} {rival.lift.mean:+.1%}"
        for place, rivals in against.items()
        for system, rival in rivals.items()
        if rival.difference.mean < 0
    ]
