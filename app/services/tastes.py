"""What was worked out of a user's profile is kept as long as neither the profile nor the world changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from app.domain.catalogue import Rows
from app.domain.edit import Edit, Rule
from app.domain.recommendation import Wish
from app.profiles.decay import HalfLives
from app.profiles.edits import in_force
from app.profiles.state import State
from app.ranking.filters import HAD_NOTHING, Had, had_by
from app.ranking.targets import rows_of_facet
from app.retrieval.base import StatementVector, World
from app.retrieval.query import NO_TASTE, Taste, taste_of, wishes_of
from app.services.kept import Kept

# About 20 kB a user.
MOST_USERS = 2000


@dataclass(frozen=True, slots=True)
class Leanings:
    """What a user is after, what they have had, and what they asked for by hand: rules (newest first) and wishes."""

    taste: Taste = NO_TASTE
    had: Had = HAD_NOTHING
    rules: tuple[Rule, ...] = ()
    wishes: tuple[StatementVector, ...] = ()

    @property
    def personal(self) -> bool:
        """Whether there is anything to go by."""
        return bool(self.taste.personal or self.rules or self.wishes)


NO_LEANINGS = Leanings()


@dataclass(frozen=True, slots=True)
class Part:
    """What of a past counts for taste: only what was done in `domain`, and not with what carries one of `without`."""

    domain: str | None = None
    without: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return self.domain is not None or bool(self.without)

    def of(self, state: State, rows: Rows, world: World) -> State:
        """`rows` are those of `state.items`. What was said in words has no domain and no facets, so it stays."""
        counts = np.ones(world.catalogue.n_rows + 1, dtype=np.bool_)  # the last place is where -1, no row, points to
        if self.domain is not None:
            counts[:-1] = world.catalogue.in_domain(self.domain)
            counts[-1] = False
        for facet in self.without:
            counts[rows_of_facet(world.catalogue, world.space, facet)] = False
        kept = dict(compress(state.items.items(), counts[rows].tolist()))
        recent = [one for one in state.recent if one.item_id in kept]
        return msgspec.structs.replace(state, items=kept, recent=recent)


WHOLE = Part()
_kept: WeakKeyDictionary[World, Kept[Leanings]] = WeakKeyDictionary()


def leanings_of(
    world: World, state: State, half_lives: HalfLives, part: Part = WHOLE, edits: Sequence[Edit] = ()
) -> Leanings:
    """Only a part of the past counts for taste; what was had is had all the same. `edits` hold."""
    rows = world.catalogue.rows(state.items)
    had = had_by(state, rows)
    if part:
        state = part.of(state, rows, world)
        rows = world.catalogue.rows(state.items)
    rules = tuple(rule for rule, _ in in_force(edits))
    return Leanings(taste_of(state, rows, world, half_lives), had, rules, wishes_of(edits, world.space))


def kept_leanings(
    world: World,
    user_id: str,
    version: int,
    state: State,
    half_lives: HalfLives,
    part: Part = WHOLE,
    edits: Sequence[Edit] = (),
) -> Leanings:
    """`leanings_of`, worked out once for each version of a profile; a late vector of a text makes a new version."""
    kept = _kept.setdefault(world, Kept(MOST_USERS))
    made_of = (version, tuple(edit.seq for edit in edits))  # edits expire without a new version
    return kept.get((user_id, part), made_of, lambda: leanings_of(world, state, half_lives, part, edits))


def part_of(wish: Wish) -> Part:
    return Part(None if wish.cross_domain else wish.domain, wish.without)
