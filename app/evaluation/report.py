"""Results as people read them (Markdown) and as machines do (plain values for JSON)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.evaluation.bootstrap import Comparison, Interval
from app.evaluation.metrics import METRICS, by_history, macro_mean, mean, ndcg_at
from app.evaluation.replay import Mode, Outcome, Track


@dataclass(frozen=True, slots=True)
class Result:
    """One system in one mode on one track."""

    system: str
    mode: Mode
    track: Track
    n_queries: int
    n_users: int
    accuracy: dict[str, float]
    macro: dict[str, float]
    by_history: dict[str, tuple[int, float]]
    beyond: dict[str, float] = field(default_factory=dict)


def result_of(
    system: str, mode: Mode, track: Track, outcome: Outcome, beyond: Mapping[str, float] | None = None
) -> Result:
    """Every accuracy metric of an outcome, over behaviours and over users."""
    ranks, users = outcome.records["rank"], outcome.records["user"]
    values = {name: metric(ranks) for name, metric in METRICS.items()}
    return Result(
        system,
        mode,
        track,
        len(ranks),
        len(set(users.tolist())),
        {name: mean(value) for name, value in values.items()},
        {name: macro_mean(value, users) for name, value in values.items()},
        by_history(ndcg_at(ranks, 10), outcome.records["n_history"]),
        dict(beyond or {}),
    )


def to_markdown(results: Sequence[Result]) -> str:
    """One table for each mode and track, best NDCG@10 first."""
    groups: dict[tuple[Track, Mode], list[Result]] = {}
    for result in results:
        groups.setdefault((result.track, result.mode), []).append(result)
    return "\n".join(_section(track, mode, group) for (track, mode), group in groups.items())


def history_table(results: Sequence[Result]) -> str:
    """NDCG@10 by the number of behaviours that the user had."""
    buckets = list(results[0].by_history) if results else []
    counts = [str(results[0].by_history[bucket][0]) for bucket in buckets] if results else []
    rows = [[r.system, *(_number(r.by_history[bucket][1]) for bucket in buckets)] for r in results]
    return table(["behaviours until then", *buckets], [["queries", *counts], *rows])


def comparison_table(comparisons: Mapping[str, Comparison]) -> str:
    """Against whom, how much, and whether it may be claimed."""
    rows = [
        [
            name,
            _interval(c.difference, "+.4f"),
            _interval(c.lift, "+.1%"),
            "yes" if c.difference.excludes_zero else "no",
        ]
        for name, c in comparisons.items()
    ]
    return table(["against", "NDCG@10", "relative", "claim"], rows)


def to_json(results: Sequence[Result], comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    """Plain values; what could not be measured is null, because JSON has no NaN."""
    plain = {
        "results": [asdict(result) for result in results],
        "comparisons": {name: asdict(comparison) for name, comparison in comparisons.items()},
    }
    return _plain(plain)  # type: ignore[no-any-return]  # a dict stays a dict


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join("| " + " | ".join(row) + " |\n" for row in (head, rule, *rows))


def _section(track: Track, mode: Mode, results: Sequence[Result]) -> str:
    ordered = sorted(results, key=lambda r: -r.accuracy["NDCG@10"])
    beyond = list(dict.fromkeys(name for r in ordered for name in r.beyond))
    head = ["system", *METRICS, "macro NDCG@10", *beyond]
    rows = [
        [
            r.system,
            *(_number(r.accuracy[name]) for name in METRICS),
            _number(r.macro["NDCG@10"]),
            *(_number(r.beyond.get(name, math.nan)) for name in beyond),
        ]
        for r in ordered
    ]
    first = ordered[0]
    title = f"### Track {track.value}, mode {mode.value}: {first.n_queries:,} queries of {first.n_users:,} users\n\n"
    return title + table(head, rows)


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def _interval(interval: Interval, form: str) -> str:
    """A lift has no bounds where the other's value may be 0, and is none where it is."""
    if not math.isfinite(interval.mean):
        return "–"
    bounds = f" [{interval.low:{form}}, {interval.high:{form}}]"
    return f"{interval.mean:{form}}{bounds if math.isfinite(interval.low + interval.high) else ''}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
