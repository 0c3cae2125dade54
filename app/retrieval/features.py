"""What the ranker sees of each candidate: the word of every source, and how the item lies to the user."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Rows
from app.profiles.decay import DAY_S
from app.retrieval.base import Floats, Query, World
from app.retrieval.fuse import Fused
from app.retrieval.trend import N_RECENT, Trend

SOURCES = (
    "trend", "segment", "neighbours", "slit", "lines", "ease", "text_map", "decoder", "habits", "interests", "fresh",
    "statement",
)  # fmt: skip
# A chance below this is no more than none.
LEAST = 1e-7
_PLAIN = (
    "mixture",
    "bought",
    "bought_days",
    "past_rank",
    "past_days",
    "cosine_last",
    "cosine_recent",
    "cosine_best",
    "facets_mean",
    "facets_most",
    "age_days",
    "undated",
    "known_days",
    "share 1 d",
    "share 7 d",
    "share 30 d",
    "n_past",
    "away_days",
    "n_bought",
    "turn",
)
NAMES = (
    *(f"chance {source}" for source in SOURCES),
    *(f"rank {source}" for source in SOURCES),
    *_PLAIN,
)
# What a feature speaks of, where it is not the word of one source: in an explanation these are added up.
_THEMES = {
    "mixture": "all sources together",
    "bought": "what you did with it before",
    "bought_days": "what you did with it before",
    "past_rank": "what you did with it before",
    "past_days": "what you did with it before",
    "cosine_last": "reads like your last item",
    "cosine_recent": "reads like your latest items",
    "cosine_best": "reads like an interest of yours",
    "facets_mean": "kinds of things you turn to",
    "facets_most": "kinds of things you turn to",
    "age_days": "its age",
    "undated": "its age",
    "known_days": "its age",
    "share 1 d": "popularity",
    "share 7 d": "popularity",
    "share 30 d": "popularity",
    "n_past": "how much is known of you",
    "away_days": "how much is known of you",
    "n_bought": "how much is known of you",
    "turn": "your turn to something else",
}
# (F,) what each feature is added up under.
THEMES = tuple(_THEMES.get(name, name.split(" ", 1)[-1]) for name in NAMES)
# Users with a longer past are read by its latest part here; a mean over more says no more.
N_PAST = 100


def features(query: Query, fused: Fused, world: World) -> Floats:
    """(N, F) by `NAMES`; NaN is missing."""
    chances = _by_source(fused)
    columns = [
        np.log(np.maximum(chances, LEAST)),
        _ranks(chances),
        np.log(np.maximum(fused.scores, LEAST))[None],
        *_own(query, fused.rows),
        _cosines(query, fused.rows, world.space),
        _facets(query, fused.rows, world.catalogue),
        _dates(query, fused.rows, world.catalogue),
        _popularity(query, fused.rows, world),
        _user(query, len(fused.rows)),
    ]
    return np.ascontiguousarray(np.concatenate(columns, dtype=np.float32).T)


def _by_source(fused: Fused) -> Floats:
    """(S, N) in the order of `SOURCES`, NaN where a source is not there."""
    chances = np.full((len(SOURCES), len(fused.rows)), np.nan, dtype=np.float32)
    for number, source in enumerate(fused.sources):
        if source in SOURCES:
            chances[SOURCES.index(source)] = fused.chances[number]
    return chances


def _ranks(chances: Floats) -> Floats:
    """1 / (1 + rank / 10) among the candidates, 0 for those of which nothing is said."""
    some = np.nan_to_num(chances, nan=0.0)
    places = np.empty(some.shape, dtype=np.float32)
    np.put_along_axis(
        places, np.argsort(-some, axis=1, kind="stable"), np.arange(some.shape[1], dtype=np.float32)[None], 1
    )
    return np.where(some > 0, 1.0 / (1.0 + places / 10.0), 0.0).astype(np.float32)


def _own(query: Query, rows: Rows) -> Sequence[NDArray[np.float32]]:
    """What the user did with this very item: how often it was bought, and how long ago it was turned to."""
    habits = query.habits
    bought = _looked_up(habits.rows, np.log1p(habits.n_purchases), rows, 0.0)
    bought_days = _looked_up(habits.rows, _log_days(query.now - habits.last_at), rows, np.nan)
    ranks = 1.0 / (1.0 + np.arange(len(query.past)) / 10.0)
    return (
        np.stack([bought, bought_days]),
        np.stack(
            [
                _looked_up(query.past, ranks, rows, 0.0),
                _looked_up(query.past, _log_days(query.now - query.past_at), rows, np.nan),
            ]
        ),
    )


def _cosines(query: Query, rows: Rows, space: ItemSpace) -> Floats:
    """With the last item, with the mean of the latest, and with the nearest cluster that the user is into."""
    result = np.full((3, len(rows)), np.nan, dtype=np.float32)
    vectors = space.vectors(rows)
    if len(query.past):
        result[0] = vectors @ space.vectors(query.past[:1])[0]
    if query.interests:
        cosines = vectors @ np.stack([interest.vector for interest in query.interests]).T
        result[1] = cosines[:, 0]
        result[2] = cosines.max(axis=1)
    return result


def _facets(query: Query, rows: Rows, catalogue: Catalogue) -> Floats:
    """How much of the user's latest attention lies on what the item is: mean and greatest share over its facets."""
    result = np.full((2, len(rows)), np.nan, dtype=np.float32)
    past = query.past[:N_PAST]
    if not len(past) or not len(catalogue.facets):
        return result
    weights = 1.0 / (1.0 + np.arange(len(past)) / 10.0)
    numbers = catalogue.item_facets[past]
    held = np.zeros(len(catalogue.facets) + 1)  # the last place is where -1, no facet, points to
    np.add.at(held, numbers, (weights / weights.sum())[:, None])
    held[-1] = 0.0
    own = catalogue.item_facets[rows]
    shares = held[own]
    n = np.maximum((own >= 0).sum(axis=1), 1)
    result[0] = shares.sum(axis=1) / n
    result[1] = np.log(np.maximum(_narrowest(own, shares, catalogue), 1e-4))
    return result


def _narrowest(own: NDArray[np.int32], shares: NDArray[np.float64], catalogue: Catalogue) -> NDArray[np.float64]:
    """(N,) the share of the deepest category of each item."""
    depths = np.append(catalogue.tree.depths, 0)[own]
    return np.asarray(shares[np.arange(len(own)), depths.argmax(axis=1)])


def _dates(query: Query, rows: Rows, catalogue: Catalogue) -> Floats:
    age = query.now - catalogue.published_at[rows]
    return np.stack([_log_days(age), np.isnan(age)]).astype(np.float32)


def _popularity(query: Query, rows: Rows, world: World) -> Floats:
    trend = next((generator for generator in world.generators if isinstance(generator, Trend)), None)
    if trend is None:
        return np.full((1 + N_RECENT, len(rows)), np.nan, dtype=np.float32)
    known = _log_days(query.now - trend.first_at(rows))
    return np.vstack([known[None], np.log(np.maximum(trend.lately(rows), LEAST))]).astype(np.float32)


def _user(query: Query, n: int) -> Floats:
    """The same for all candidates: only trees can use it."""
    away = query.now - query.past_at[0] if len(query.past_at) else np.nan
    values = [
        np.log1p(len(query.past)),
        float(_log_days(np.array([away]))[0]),
        np.log1p(len(query.habits.rows)),
        query.turn,
    ]
    return np.repeat(np.array(values, dtype=np.float32)[:, None], n, axis=1)


def _looked_up(known: Rows, values: NDArray[np.float64], rows: Rows, else_: float) -> Floats:
    """(N,) the value of each row among the known (K,) distinct ones."""
    found = np.full(len(rows), else_, dtype=np.float32)
    if len(known):
        order = np.argsort(known)
        place = np.minimum(np.searchsorted(known[order], rows), len(known) - 1)
        here = known[order][place] == rows
        found[here] = values[order][place[here]]
    return found


def _log_days(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log1p(np.maximum(seconds, 0.0) / DAY_S))
