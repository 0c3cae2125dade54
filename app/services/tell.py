"""A slate in words: each item with its source and the reason why it is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Rows
from app.domain.recommendation import Reason, Recommended, Wish
from app.ranking.explain import leading, odds_of, shares_of
from app.retrieval.base import Policy, Query, World
from app.retrieval.features import THEMES
from app.retrieval.fuse import Fused
from app.services.compose import Composed

CATALOGUE, PINNED, EXPLORE = "catalogue", "pinned", "explore"
LIFTED = "what is wanted here"  # the theme of what the request or its scenario scales and boosts
_PINNED = Reason("pinned", "Picked for this place")
_EXPLORED = Reason("explore", "Something new to try")


def told(
    world: World, query: Query, fused: Fused, composed: Composed, wish: Wish, policy: Policy
) -> tuple[Recommended, ...]:
    """The items in their order. Those that no source brought, or chance, say so."""
    n_pinned, n_chosen = len(composed.pinned), len(composed.places)
    places = np.concatenate([composed.places, composed.drawn])
    items = _explained(world, query, fused, places, wish, n_pinned)
    if wish.explain == "full":
        items = _accounted(items, fused, places, policy)
    pinned = _bare(world.catalogue, composed.pinned, PINNED, 0, wish)
    filled = _bare(world.catalogue, composed.filled, CATALOGUE, n_pinned + n_chosen, wish)
    drawn = _drawn(items[n_chosen:], composed.chances, n_pinned + n_chosen + len(filled), wish)
    return (*pinned, *items[:n_chosen], *filled, *drawn)


def told_candidate(world: World, query: Query, fused: Fused, place: int, wish: Wish, policy: Policy) -> Recommended:
    """One of the candidates, told as those of a slate are; its rank is 1."""
    places = np.array([place])
    items = _explained(world, query, fused, places, wish, 0)
    return (_accounted(items, fused, places, policy) if wish.explain == "full" else items)[0]


def _drawn(items: list[Recommended], chances: Iterable[float], n_before: int, wish: Wish) -> list[Recommended]:
    reason = None if wish.explain == "none" else _EXPLORED
    return [
        replace(one, rank=rank, source=EXPLORE, reason=reason, propensity=chance)
        for rank, (one, chance) in enumerate(zip(items, chances, strict=True), n_before + 1)
    ]


def _bare(catalogue: Catalogue, rows: Rows, source: str, n_before: int, wish: Wish) -> list[Recommended]:
    """Items without a score."""
    return [
        Recommended(
            catalogue.items[row].item_id,
            rank,
            0.0,
            source,
            None if wish.explain == "none" else _PINNED if source == PINNED else _filler(catalogue, row),
        )
        for rank, row in enumerate(rows.tolist(), n_before + 1)
    ]


def _filler(catalogue: Catalogue, row: int) -> Reason:
    dated = bool(np.isfinite(catalogue.published_at[row]))
    return Reason("filled", "Among the newest of what is left" if dated else "From the rest of the catalogue")


def _explained(world: World, query: Query, fused: Fused, places: Rows, wish: Wish, n_before: int) -> list[Recommended]:
    parts, rows = fused.parts[:, places], fused.rows[places]
    leaders = leading(parts) if len(places) else np.empty(0, dtype=np.int64)
    reasons = {} if wish.explain == "none" else _reasons(world, query, rows, leaders)
    return [
        Recommended(
            item_id=world.catalogue.items[row].item_id,
            rank=n_before + place + 1,
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
        parts = policy.ranker.parts(fused.table[places])
        if fused.lift is not None:
            parts = np.column_stack([parts, fused.lift[places]])
        told = [odds_of((*THEMES, LIFTED)[: parts.shape[1]], line) for line in parts]
    return [replace(item, contributions=one) for item, one in zip(items, told, strict=True)]


def _reasons(world: World, query: Query, rows: Rows, leaders: NDArray[np.int64]) -> dict[int, Reason]:
    """By row, each in the words of the source that leads."""
    found: dict[int, Reason] = {}
    for number, generator in enumerate(world.generators):
        led = rows[leaders == number]
        if len(led):
            found.update(zip(led.tolist(), generator.reasons(query, led), strict=True))
    return found
