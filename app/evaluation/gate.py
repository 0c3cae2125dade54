"""Who serves. A challenger takes over only when it is not worse where it matters and breaks no guard rail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.evaluation.bootstrap import Comparison, compare
from app.evaluation.metrics import ndcg_at
from app.evaluation.replay import Outcome


@dataclass(frozen=True, slots=True)
class Contender:
    """One model under judgement, measured on the newest slice. NaN where a guard could not be measured."""

    name: str
    outcome: Outcome
    coverage: float
    diversity: float
    cold_items_ndcg: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Rails:
    """What a challenger may lose at most, as shares of the champion's values.

    `loss` is what the lower end of the NDCG@10 interval may show: with 0 an equal model could never follow newer data.
    `gain` is what its mean has to show. Below `n_users` an interval says nothing, and the champion stays.
    """

    loss: float = 0.02
    gain: float = -1.0
    coverage: float = 0.10
    diversity: float = 0.10
    cold_items: float = 0.10
    latency: float = 0.25
    n_users: int = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """`promoted` only without a single objection; `reasons` are sentences for people, kept with the model."""

    promoted: bool
    reasons: tuple[str, ...]
    comparisons: dict[str, Comparison]


def judge(
    challenger: Contender, champion: Contender, rails: Rails, seed: int, baselines: tuple[Contender, ...] = ()
) -> Verdict:
    """Compares on the queries that both answered; against a baseline it must not be significantly worse."""
    against = {other.name: against_queries(challenger.outcome, other.outcome, seed) for other in (champion, *baselines)}
    objections = [
        *_accuracy(against[champion.name], champion.name, rails),
        *(reason for other in baselines for reason in _baseline(against[other.name], other.name)),
        *_guards(challenger, champion, rails),
    ]
    praise = f"{_percent(against[champion.name])} NDCG@10 against {champion.name}, and every guard rail holds."
    return Verdict(not objections, tuple(objections) or (praise,), against)


def against_queries(ours: Outcome, theirs: Outcome, seed: int) -> Comparison:
    """NDCG@10 of two outcomes over the queries they share."""
    _, left, right = np.intersect1d(ours.records["query"], theirs.records["query"], return_indices=True)
    mine, other = ours.records[left], theirs.records[right]
    return compare(ndcg_at(mine["rank"], 10), ndcg_at(other["rank"], 10), mine["user"], seed)


def _accuracy(comparison: Comparison, name: str, rails: Rails) -> list[str]:
    if comparison.n_users < rails.n_users:
        return [f"Only {comparison.n_users} users to judge by; {rails.n_users} are needed."]
    if not comparison.lift.low >= -rails.loss:
        return [f"{_percent(comparison)} NDCG@10 against {name}: a loss of over {rails.loss:.0%} cannot be ruled out."]
    if not comparison.lift.mean >= rails.gain:
        return [f"{_percent(comparison)} NDCG@10 against {name}: a gain of {rails.gain:.0%} at least was asked for."]
    return []


def _baseline(comparison: Comparison, name: str) -> list[str]:
    return [f"{_percent(comparison)} NDCG@10: {name} is better."] if comparison.difference.high < 0 else []


def _guards(challenger: Contender, champion: Contender, rails: Rails) -> list[str]:
    floors = (
        ("Coverage", challenger.coverage, champion.coverage, rails.coverage),
        ("Diversity", challenger.diversity, champion.diversity, rails.diversity),
        ("NDCG@10 on cold items", challenger.cold_items_ndcg, champion.cold_items_ndcg, rails.cold_items),
    )
    broken = [
        f"{name} fell from {old:.4f} to {new:.4f}; at most {share:.0%} may be lost."
        for name, new, old, share in floors
        if not math.isnan(old) and not new >= old * (1.0 - share)
    ]
    if not math.isnan(champion.p99_ms) and not challenger.p99_ms <= champion.p99_ms * (1.0 + rails.latency):
        broken.append(f"The slowest answers rose from {champion.p99_ms:.1f} to {challenger.p99_ms:.1f} ms (p99).")
    return broken


def _percent(comparison: Comparison) -> str:
    lift = comparison.lift
    return f"{lift.mean:+.1%} [{lift.low:+.1%}, {lift.high:+.1%}]"
