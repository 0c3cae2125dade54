"""What was worked out of a user's profile is kept as long as neither the profile nor the world changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from app.domain.catalogue import Catalogue, Rows
from app.domain.edit import Edit, Rule
from app.profiles.decay import HalfLives
from app.profiles.edits import in_force
from app.profiles.state import State
from app.ranking.filters import HAD_NOTHING, Had, had_by
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
_kept: WeakKeyDictionary[World, Kept[Leanings]] = WeakKeyDictionary()


def leanings_of(
    world: World, state: State, half_lives: HalfLives, domain: str | None = None, edits: Sequence[Edit] = ()
) -> Leanings:
    """With a domain, only the past in it counts for taste; what was had is had anywhere. `edits` hold."""
    rows = world.catalogue.rows(state.items)
    had = had_by(state, rows)
    if domain is not None:
        state = _within(state, rows, world.catalogue, domain)
        rows = world.catalogue.rows(state.items)
    rules = tuple(rule for rule, _ in in_force(edits))
    return Leanings(taste_of(state, rows, world, half_lives), had, rules, wishes_of(edits, world.space))


def kept_leanings(
    world: World,
    user_id: str,
    version: int,
    state: State,
    half_lives: HalfLives,
    domain: str | None = None,
    edits: Sequence[Edit] = (),
) -> Leanings:
    """`leanings_of`, worked out once for each version of a profile; a late vector of a text makes a new version."""
    kept = _kept.setdefault(world, Kept(MOST_USERS))
    made_of = (version, tuple(edit.seq for edit in edits))  # edits expire without a new version
    return kept.get((user_id, domain), made_of, lambda: leanings_of(world, state, half_lives, domain, edits))


def _within(state: State, rows: Rows, catalogue: Catalogue, domain: str) -> State:
    """What was said in words has no domain, so it stays."""
    inside = np.append(catalogue.in_domain(domain), False)  # the last place is where -1, no row, points to
    kept = dict(compress(state.items.items(), inside[rows].tolist()))
    recent = [one for one in state.recent if one.item_id in kept]
    return msgspec.structs.replace(state, items=kept, recent=recent)
