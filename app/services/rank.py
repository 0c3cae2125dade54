"""From a profile to a slate, in memory: filters, candidates, ranking, the choice of a slate, reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Mask, Rows
from app.domain.recommendation import Reason, Recommended, Wish
from app.profiles.decay import HalfLives
from app.ranking.boost import factors_of
from app.ranking.explain import leading, odds_of, shares_of
from app.ranking.filters import filter_items
from app.retrieval.base import PLAIN, Policy, Query, StatementVector, World
from app.retrieval.candidates import gather, heard, lifted, rerank, tilted
from app.retrieval.context import situated
from app.retrieval.features import THEMES
from app.retrieval.fuse import Fused
from app.retrieval.query import build_query
from app.services.compose import Composed, compose
from app.services.tastes import Leanings

N_CANDIDATES = 150
CATALOGUE, PINNED, EXPLORE = "catalogue", "pinned", "explore"


@dataclass(frozen=True, slots=True)
class Ranked:
    """`n_filled` of the items came from no source; `dropped` is what each filter kept out."""

    items: tuple[Recommended, ...]
    n_filled: int
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """For whom, and when: `now` is in seconds since 1970, `spoken` what the request says in words, `seed` what draws
    of this request begin with.
    """

    leanings: Leanings
    now: float
    half_lives: HalfLives
    spoken: StatementVector | None = None
    seed: str = ""


@dataclass(slots=True)
class Stopwatch:
    """Milliseconds by stage."""

    times_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.times_ms[name] = round(1000 * (perf_counter() - start), 3)


@dataclass(slots=True)
class _Draft:
    """One slate in the making: each stage adds to it what the next ones read."""

    world: World
    wish: Wish
    moment: Moment
    policy: Policy
    allowed: Mask = field(init=False)
    dropped: dict[str, int] = field(init=False)
    pinned: Rows = field(init=False)
    query: Query = field(init=False)
    fused: Fused = field(init=False)
    composed: Composed = field(init=False)
    items: tuple[Recommended, ...] = ()


def rank(world: World, wish: Wish, moment: Moment, watch: Stopwatch) -> Ranked:
    """At most `wish.limit` different, allowed items; as many as the catalogue and the quotas allow."""
    draft = _Draft(heard(world, wish.sources), wish, moment, _policy(world, wish))
    for name, stage in STAGES:
        with watch.stage(name):
            stage(draft)
    return Ranked(draft.items, len(draft.composed.filled), draft.dropped)


def _filter(draft: _Draft) -> None:
    """What is pinned stays out of everything behind, so that it comes once."""
    catalogue, wish = draft.world.catalogue, draft.wish
    filtered = filter_items(catalogue, wish, draft.moment.leanings.had)
    draft.allowed, draft.dropped = filtered.allowed, filtered.dropped
    draft.pinned = _pinned(catalogue, wish, draft.allowed)
    draft.allowed[draft.pinned] = False


def _retrieve(draft: _Draft) -> None:
    wish, moment = draft.wish, draft.moment
    n = max(N_CANDIDATES, 2 * wish.limit)
    query = build_query(moment.leanings.taste, draft.allowed, moment.now, n, moment.half_lives, moment.spoken)
    draft.query = situated(query, rows_of(draft.world.catalogue, wish.context_items), draft.world.space)
    draft.fused = gather(draft.world, draft.query, draft.policy, wish.sources)


def _rank(draft: _Draft) -> None:
    draft.fused = rerank(draft.world, draft.query, draft.fused, draft.policy)
    draft.fused = tilted(draft.fused, draft.wish.sources)
    if draft.wish.boosted:
        draft.fused = lifted(draft.fused, factors_of(draft.world.catalogue, draft.fused.rows, draft.wish.boosted))


def _mix(draft: _Draft) -> None:
    draft.composed = compose(draft.world, draft.fused, draft.wish, draft.pinned, draft.allowed, draft.moment.seed)


def _explain(draft: _Draft) -> None:
    chosen, drawn = _candidates(draft)
    catalogue, composed = draft.world.catalogue, draft.composed
    parts = (
        [_bare(catalogue, row, PINNED, _PINNED) for row in composed.pinned.tolist()],
        chosen,
        [_bare(catalogue, row, CATALOGUE, _filler(catalogue, row)) for row in composed.filled.tolist()],
        [
            replace(one, source=EXPLORE, reason=_EXPLORED, propensity=chance)
            for one, chance in zip(drawn, composed.chances, strict=True)
        ],
    )
    items = [one for part in parts for one in part]
    spoken = draft.wish.explain != "none"
    draft.items = tuple(
        replace(one, rank=number, reason=one.reason if spoken else None) for number, one in enumerate(items, 1)
    )


STAGES: tuple[tuple[str, Callable[[_Draft], None]], ...] = (
    ("filter", _filter),
    ("retrieve", _retrieve),
    ("rank", _rank),
    ("mix", _mix),
    ("explain", _explain),
)


def _policy(world: World, wish: Wish) -> Policy:
    return PLAIN if wish.ranking == "plain" else world.policy(policy_of(wish))


def policy_of(wish: Wish) -> str:
    """What rankers are taught apart: only what is new to the user, or everything."""
    return "repeats" if wish.seen == "include" else "new"


def _pinned(catalogue: Catalogue, wish: Wish, allowed: Mask) -> Rows:
    """Those that may be shown, in their order."""
    rows = rows_of(catalogue, wish.pinned)
    rows = rows[rows < len(allowed)]
    return rows[allowed[rows]][: wish.limit]


def rows_of(catalogue: Catalogue, item_ids: tuple[str, ...]) -> Rows:
    """Rows of those that the catalogue knows, each once."""
    rows = catalogue.rows(dict.fromkeys(item_ids))
    return rows[rows >= 0]


def _candidates(draft: _Draft) -> tuple[list[Recommended], list[Recommended]]:
    """Those that were chosen, and those that were drawn."""
    places = np.concatenate([draft.composed.places, draft.composed.drawn])
    items = _explained(draft.world, draft.query, draft.fused, places, draft.wish)
    if draft.wish.explain == "full":
        items = _accounted(items, draft.fused, places, draft.policy)
    n = len(draft.composed.places)
    return items[:n], items[n:]


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


_PINNED = Reason("pinned", "Picked for this place")
_EXPLORED = Reason("explore", "Something new to try")


def _bare(catalogue: Catalogue, row: int, source: str, reason: Reason) -> Recommended:
    return Recommended(catalogue.items[row].item_id, 0, 0.0, source, reason)


def _filler(catalogue: Catalogue, row: int) -> Reason:
    dated = bool(np.isfinite(catalogue.published_at[row]))
    return Reason("filled", "Among the newest of what is left" if dated else "From the rest of the catalogue")
