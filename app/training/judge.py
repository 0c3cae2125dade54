"""Who ranks: a new policy against the one that serves, the plain mixture and every source alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Rows
from app.evaluation.beyond import coverage, intra_list_diversity
from app.evaluation.gate import Contender, Rails, Verdict, against_queries, judge
from app.evaluation.metrics import mean, mid_rank, ndcg_at
from app.evaluation.replay import RECORD, Outcome
from app.ranking.ranker import Ranker
from app.retrieval.base import PLAIN, Policy, World
from app.retrieval.features import NAMES, SOURCES
from app.training.lessons import Request, lessons_of
from app.training.mixture import mixed
from app.training.policies import learn_policy

DECODER = "decoder"
K = 10
SEED = 1
# With a vector for fewer of the catalogue's items, distances say who has vectors and not who is varied.
EMBEDDED = 0.9
N_LOOKED_AT = 1_000
# Slates are mixed after they are ranked, so that the order alone may be less varied than what is shown.
RAILS = Rails(coverage=0.25, diversity=0.25)
# Against the plain mixture, which nobody has proven: better on average, and hardly a tenth worse. Not where few users
# are asked: an order that is not surely better is easily moved by a few fake ones (0 to 6 points in a shop of 200).
FIRST_RAILS = replace(RAILS, loss=0.10, gain=0.0, n_users=500)
Scores = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # (N, F) -> (N,)


@dataclass(frozen=True, slots=True)
class Judged:
    """`winner` is to serve; `ndcg` holds NDCG@10 by contender on the requests that all were asked."""

    winner: Policy
    challenger_won: bool
    verdict: Verdict
    ndcg: dict[str, float]

    def serving(self, policy: Policy) -> Judged:
        return replace(self, winner=policy)

    @property
    def outcome(self) -> str:
        return "the challenger ranks from now on." if self.challenger_won else "the champion goes on ranking."


def listens(policy: Policy, source: str) -> bool:
    """Whether it cares what this source says."""
    return isinstance(policy.ranker, Ranker) and policy.ranker.listens_to(f"chance {source}")


def earns_its_place(source: str, old: Sequence[Request], new: Sequence[Request], world: World) -> bool:
    """Whether ranking is surely better with this source than without: it costs time at every request."""
    if source not in _speaking(new):
        return False
    with_it = _contender("with", new, _by_policy(learn_policy(lessons_of(old))), world)
    bare = without(source, new)
    without_it = _contender("without", bare, _by_policy(learn_policy(lessons_of(without(source, old)))), world)
    return against_queries(with_it.outcome, without_it.outcome, SEED).difference.low > 0


def without(source: str, asked: Sequence[Request]) -> list[Request]:
    """The same requests as if the source had said nothing."""
    columns = [NAMES.index(f"chance {source}"), NAMES.index(f"rank {source}")]
    return [replace(one, table=_blanked(one.table, columns)) for one in asked]


def _blanked(table: NDArray[np.float32], columns: list[int]) -> NDArray[np.float32]:
    result = table.copy()
    result[:, columns] = np.nan, 0.0
    return result


def judge_policy(challenger: Policy, champion: Policy | None, asked: Sequence[Request], world: World) -> Judged:
    """On requests that neither the challenger nor the generators have learned from."""
    old = champion or PLAIN
    ours = _contender("challenger", asked, _by_policy(challenger), world)
    theirs = _contender("champion", asked, _by_policy(old), world)
    others = [_contender("plain mixture", asked, _by_policy(PLAIN), world)] if champion else []
    others += [_contender(source, asked, _by_source(source), world) for source in _speaking(asked)]
    is_first = champion is None and len({one.user for one in asked}) >= FIRST_RAILS.n_users
    verdict = judge(ours, theirs, FIRST_RAILS if is_first else RAILS, SEED, tuple(others))
    ndcg = {one.name: mean(ndcg_at(one.outcome.records["rank"], K)) for one in (ours, theirs, *others)}
    return Judged(challenger if verdict.promoted else old, verdict.promoted, verdict, ndcg)


def _by_policy(policy: Policy) -> Scores:
    if policy.ranker is None:
        return lambda table: mixed(table, policy.weights)[:, NAMES.index("mixture")]
    ranker = policy.ranker
    return lambda table: ranker.score(mixed(table, policy.weights))


def _by_source(source: str) -> Scores:
    return lambda table: np.nan_to_num(table[:, SOURCES.index(source)], nan=-99.0)


def _speaking(asked: Sequence[Request]) -> list[str]:
    known = [np.isfinite(one.table[:, : len(SOURCES)]).any(axis=0) for one in asked]
    return [source for source, speaks in zip(SOURCES, np.any(known, axis=0), strict=True) if speaks] if known else []


def _contender(name: str, asked: Sequence[Request], scores_of: Scores, world: World) -> Contender:
    records = np.zeros(len(asked), dtype=RECORD)
    slates = np.full((len(asked), K), -1, dtype=np.int32)
    for number, one in enumerate(asked):
        scores = scores_of(one.table)
        records[number] = (one.log_place, one.user, one.place, one.at, _rank(one, scores, world), len(scores), 0)
        best = np.argsort(-scores, kind="stable")[:K]
        slates[number, : len(best)] = one.rows[best]
    covered = coverage(slates, world.catalogue.n_rows)
    return Contender(name, Outcome(records, slates), covered, _variety(slates, world), nan, nan)


def _variety(slates: Rows, world: World) -> float:
    """Mean distance within a slate; NaN, and no guard rail, while the vectors of many items are still to come."""
    looked_at = np.linspace(0, world.catalogue.n_rows - 1, N_LOOKED_AT).astype(np.int32)
    if not len(slates) or np.isfinite(world.space.vectors(looked_at)).all(axis=1).mean() < EMBEDDED:
        return nan
    shown = np.unique(slates[slates >= 0])
    places = np.where(slates >= 0, np.searchsorted(shown, slates), -1)
    return float(intra_list_diversity(places, world.space.vectors(shown)).mean())


def _rank(one: Request, scores: NDArray[np.float32], world: World) -> float:
    """Behind everything where the right item was no candidate."""
    if one.place < 0:
        return float(world.catalogue.n_rows)
    return mid_rank(scores, one.place, np.ones(len(scores), dtype=np.bool_))
