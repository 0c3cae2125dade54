"""From a profile to a slate, in memory: filters, candidates, ranking, the choice of a slate, reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from app.domain.catalogue import Catalogue, Mask, Rows
from app.domain.recommendation import Recommended, Wish
from app.profiles.decay import HalfLives
from app.ranking.boost import factors_of
from app.ranking.edits import NOTHING_ASKED, Asked, Floats, without_never
from app.ranking.filters import filter_items
from app.retrieval.base import PLAIN, Policy, Query, StatementVector, World
from app.retrieval.candidates import gather, heard, lifted, rerank, tilted
from app.retrieval.context import situated
from app.retrieval.fuse import Fused
from app.retrieval.query import build_query
from app.services.as_asked import as_asked, asked_of, told_as_asked, with_asked
from app.services.compose import Composed, compose, fitting, mixed, room_for
from app.services.tastes import Leanings
from app.services.tell import told, told_candidate
from app.telemetry.spans import stage_span

N_CANDIDATES = 150


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
    """Milliseconds by stage; where the request is traced each is a span too."""

    times_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = perf_counter()
        with stage_span(name):
            yield
        self.times_ms[name] = round(1000 * (perf_counter() - start), 3)


@dataclass(slots=True)
class Draft:
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
    asked: Asked = NOTHING_ASKED
    factors: Floats = field(init=False)
    items: tuple[Recommended, ...] = ()


def rank(world: World, wish: Wish, moment: Moment, watch: Stopwatch) -> Ranked:
    """At most `wish.limit` different, allowed items; as many as the catalogue and the quotas allow."""
    draft = draft_of(world, wish, moment, watch)
    return Ranked(draft.items, len(draft.composed.filled), draft.dropped)


def draft_of(world: World, wish: Wish, moment: Moment, watch: Stopwatch) -> Draft:
    """The slate with all that led to it."""
    draft = Draft(heard(world, wish.sources), wish, moment, _policy(world, wish))
    for name, stage in STAGES:
        with watch.stage(name):
            stage(draft)
    return draft


def told_alone(draft: Draft, place: int) -> Recommended:
    """One of the candidates, whether in the slate or not, told as the slate is."""
    one = told_candidate(draft.world, draft.query, draft.fused, place, draft.wish, draft.policy)
    return _as_asked(draft, (one,))[0]


def _filter(draft: Draft) -> None:
    """What is pinned stays out of everything behind, so that it comes once."""
    catalogue, wish = draft.world.catalogue, draft.wish
    draft.asked = asked_of(draft.world, draft.moment.leanings.rules)
    filtered = without_never(filter_items(catalogue, wish, draft.moment.leanings.had), draft.asked)
    draft.allowed, draft.dropped = filtered.allowed, filtered.dropped
    draft.pinned = _pinned(catalogue, wish, draft.allowed)
    draft.allowed[draft.pinned] = False


def _retrieve(draft: Draft) -> None:
    wish, moment = draft.wish, draft.moment
    n = max(N_CANDIDATES, 2 * wish.limit)
    query = build_query(moment.leanings.taste, draft.allowed, moment.now, n, moment.half_lives, moment.spoken)
    query = situated(query, rows_of(draft.world.catalogue, wish.context_items), draft.world.space)
    draft.query = with_asked(query, draft.asked, moment.leanings.wishes)
    draft.fused = gather(draft.world, draft.query, draft.policy, wish.sources)


def _rank(draft: Draft) -> None:
    """What is learned orders first, then what the request and its scenario want more or less of."""
    fused = tilted(rerank(draft.world, draft.query, draft.fused, draft.policy), draft.wish.sources)
    if draft.wish.boosted:
        fused = lifted(fused, factors_of(draft.world.catalogue, fused.rows, draft.wish.boosted))
    draft.fused = fused


def _mix(draft: Draft) -> None:
    world = draft.world
    room = room_for(world.catalogue, draft.wish, draft.pinned, draft.allowed)
    draft.fused, places, draft.factors = as_asked(draft.fused, draft.asked, lambda fused: mixed(world, fused, room))
    draft.composed = compose(world, draft.fused, fitting(draft.fused, places, room), room, draft.moment.seed)


def _explain(draft: Draft) -> None:
    items = told(draft.world, draft.query, draft.fused, draft.composed, draft.wish, draft.policy)
    draft.items = _as_asked(draft, items)


def _as_asked(draft: Draft, items: Sequence[Recommended]) -> tuple[Recommended, ...]:
    factors = dict(zip(draft.fused.rows.tolist(), draft.factors.tolist(), strict=True)) if draft.asked else {}
    is_odds = draft.policy.ranker is not None
    return told_as_asked(items, draft.world.catalogue, draft.asked, factors, draft.wish, is_odds)


STAGES: tuple[tuple[str, Callable[[Draft], None]], ...] = (
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
