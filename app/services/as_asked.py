"""What a person asked for by hand, on the way from a profile to a slate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from app.domain.catalogue import Catalogue, Rows
from app.domain.edit import Rule
from app.domain.recommendation import Reason, Recommended, Wish
from app.ranking.edits import NOTHING_ASKED, Asked, Floats, bounded, contributions_of, first, reason_of, weigh
from app.ranking.targets import touches
from app.retrieval.base import Query, StatementVector, World
from app.retrieval.candidates import taken
from app.retrieval.fuse import Fused
from app.services.tell import EXPLORE, PINNED


def asked_of(world: World, rules: Sequence[Rule]) -> Asked:
    return Asked(touches(world.catalogue, world.space, rules)) if rules else NOTHING_ASKED


def with_asked(query: Query, asked: Asked, wishes: Sequence[StatementVector]) -> Query:
    """With the wishes of statements, and with candidates for what there should be more of."""
    wished = tuple(touch.rows for touch in asked.wanted)
    return replace(query, statements=(*query.statements, *wishes), wished=wished) if asked or wishes else query


def as_asked(fused: Fused, asked: Asked, mix: Callable[[Fused], Rows]) -> tuple[Fused, Rows, Floats]:
    """Candidates and the places of a slate with the rules in force, and the (N,) factors on the scores.

    `mix` makes a slate of candidates; the one without the rules is what they are measured by.
    """
    places = mix(fused)
    if not asked:
        return fused, places, np.ones(len(fused.rows), dtype=np.float32)
    weighed = weigh(fused.rows, fused.scores, places, asked)
    scores = fused.scores * weighed.factors
    order = np.argsort(-scores, kind="stable")
    fused = taken(fused._replace(scores=scores), order)
    bounds = tuple(replace(bound, members=bound.members[order]) for bound in weighed.bounds)
    slate = first(bounded(mix(fused), len(fused.rows), bounds), fused.rows, asked)
    return fused, slate.astype(np.int32), weighed.factors[order]


def told_as_asked(
    items: Sequence[Recommended],
    catalogue: Catalogue,
    asked: Asked,
    factors: Mapping[int, float],
    wish: Wish,
    is_odds: bool,
) -> tuple[Recommended, ...]:
    """With the reason that somebody asked for it, and what its factor (by row) does to the score.

    `is_odds` says that scores are accounted for in log odds.
    """
    if not asked or wish.explain == "none":
        return tuple(items)
    rows = catalogue.rows(one.item_id for one in items).tolist()
    return tuple(
        one if one.source in _OTHERS_ASK else _told(one, reason_of(asked, row), factors.get(row, 1.0), is_odds)
        for one, row in zip(items, rows, strict=True)
    )


# Whoever made the scenario, or chance.
_OTHERS_ASK = (PINNED, EXPLORE)


def _told(one: Recommended, reason: Reason | None, factor: float, is_odds: bool) -> Recommended:
    contributions = one.contributions and contributions_of(one.contributions, factor, is_odds)
    return replace(one, reason=reason or one.reason, contributions=contributions)
