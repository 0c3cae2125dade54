"""From a profile to a slate, in memory: filters, candidates, fusion, diversity, reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Mask, Rows
from app.domain.recommendation import Reason, Recommended, Wish
from app.profiles.decay import HalfLives
from app.ranking.diversify import diversify
from app.ranking.explain import leading, odds_of, shares_of
from app.ranking.filters import filter_items
from app.retrieval.base import Policy, Query, StatementVector, World
from app.retrieval.candidates import gather, rerank
from app.retrieval.features import THEMES
from app.retrieval.fuse import Fused
from app.retrieval.query import build_query
from app.services.tastes import Leanings

N_CANDIDATES = 150
# So many of the best are looked at when a slate is mixed.
N_MIXED = 100
CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class Ranked:
    """`n_filled` of the items, the last ones, came from no source; `dropped` is what each filter kept out."""

    items: tuple[Recommended, ...]
    n_filled: int
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """For whom, and when: `now` is in seconds since 1970, `spoken` what the request says in words."""

    leanings: Leanings
    now: float
    half_lives: HalfLives
    spoken: StatementVector | None = None


@dataclass(slots=True)
class Stopwatch:
    """Milliseconds by stage."""

    times_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.times_ms[name] = round(1000 * (perf_counter() - start), 3)


def rank(world: World, wish: Wish, moment: Moment, watch: Stopwatch) -> Ranked:
    """At most `wish.limit` different, allowed items; as many as the catalogue allows."""
    with watch.stage("filter"):
        filtered = filter_items(world.catalogue, wish, moment.leanings.had)
    with watch.stage("retrieve"):
        n = max(N_CANDIDATES, 2 * wish.limit)
        query = build_query(moment.leanings.taste, filtered.allowed, moment.now, n, moment.half_lives, moment.spoken)
        policy = world.policy(policy_of(wish))
        fused = gather(world, query, policy)
    with watch.stage("rank"):
        fused = rerank(world, query, fused, policy)
    with watch.stage("mix"):
        places = _mixed(world, fused, wish)
    with watch.stage("explain"):
        items = _explained(world, query, fused, places, wish)
        if wish.explain == "full":
            items = _accounted(items, fused, places, policy)
        rest = _newest(world.catalogue, filtered.allowed, fused.rows[places], wish.limit - len(items))
        filled = [_filler(world.catalogue, int(row), len(items) + n, wish) for n, row in enumerate(rest, 1)]
    return Ranked((*items, *filled), len(filled), filtered.dropped)


def policy_of(wish: Wish) -> str:
    """What rankers are taught apart: only what is new to the user, or everything."""
    return "repeats" if wish.seen == "include" else "new"


def _mixed(world: World, fused: Fused, wish: Wish) -> Rows:
    """Places among the candidates; those beyond the mixed ones follow as they are."""
    n_mixed = max(N_MIXED, wish.limit) if wish.diversity > 0 else 0
    head = fused.rows[:n_mixed]
    places = diversify(fused.scores[:n_mixed], world.space.vectors(head), wish.limit, wish.diversity)
    rest = np.arange(len(head), len(fused.rows))
    return np.concatenate([places, rest])[: wish.limit].astype(np.int32)


def _explained(world: World, query: Query, fused: Fused, places: Rows, wish: Wish) -> list[Recommended]:
    parts, rows = fused.parts[:, places], fused.rows[places]
    leaders = leading(parts) if len(places) else np.empty(0, dtype=np.int64)
    reasons = {} if wish.explain == "none" else _reasons(world, query, rows, leaders)
    return [
        Recommended(
            item_id=world.catalogue.items[row].item_id,
            rank=place + 1,
            score=float(fused.scores[places[place]]),
            source=fused.sources[leaders[place]],
            reason=reasons.get(row),
        )
        for place, row in enumerate(rows.tolist())
    ]


def _accounted(items: list[Recommended], fused: Fused, places: Rows, policy: Policy) -> list[Recommended]:
    """With what makes the score of each: log odds by theme where a ranker orders, else shares by source."""
    if policy.ranker is None or fused.table is None:
        told = [shares_of(fused.sources, fused.parts[:, place]) for place in places]
    else:
        told = [odds_of(THEMES, parts) for parts in policy.ranker.parts(fused.table[places])]
    return [replace(item, contributions=one) for item, one in zip(items, told, strict=True)]


def _reasons(world: World, query: Query, rows: Rows, leaders: NDArray[np.int64]) -> dict[int, Reason]:
    """By row, each in the words of the source that leads."""
    found: dict[int, Reason] = {}
    for number, generator in enumerate(world.generators):
        led = rows[leaders == number]
        if len(led):
            found.update(zip(led.tolist(), generator.reasons(query, led), strict=True))
    return found


def _newest(catalogue: Catalogue, allowed: Mask, taken: Rows, n: int) -> Rows:
    """Allowed rows that no source spoke for: those published last, then those without a date, latest row first."""
    if n <= 0:
        return np.empty(0, dtype=np.int32)
    free = allowed.copy()
    free[taken] = False
    rows = np.flatnonzero(free)
    published_at = np.nan_to_num(catalogue.published_at[rows], nan=-np.inf)
    order = np.lexsort((-rows, -published_at))
    return rows[order[:n]].astype(np.int32)


def _filler(catalogue: Catalogue, row: int, number: int, wish: Wish) -> Recommended:
    dated = bool(np.isfinite(catalogue.published_at[row]))
    text = "Among the newest of what is left" if dated else "From the rest of the catalogue"
    reason = None if wish.explain == "none" else Reason("filled", text)
    return Recommended(catalogue.items[row].item_id, number, 0.0, CATALOGUE, reason)
