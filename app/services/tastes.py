"""What was worked out of a user's profile is kept as long as neither the profile nor the world changes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from app.profiles.decay import HalfLives
from app.profiles.state import State
from app.ranking.filters import HAD_NOTHING, Had, had_by
from app.retrieval.base import World
from app.retrieval.query import NO_TASTE, Taste, taste_of

# About 20 kB a user.
MOST_USERS = 1000


@dataclass(frozen=True, slots=True)
class Leanings:
    """What a user is after, and what they have had."""

    taste: Taste = NO_TASTE
    had: Had = HAD_NOTHING


NO_LEANINGS = Leanings()
# A version of the profile, and how much of what was said has its vector: those come late, without a new version.
Mark = tuple[int, int]
_kept: WeakKeyDictionary[World, OrderedDict[str, tuple[Mark, Leanings]]] = WeakKeyDictionary()


def leanings_of(world: World, state: State, half_lives: HalfLives) -> Leanings:
    return Leanings(taste_of(state, world.catalogue, world.space, half_lives), had_by(state, world.catalogue))


def kept_leanings(world: World, user_id: str, version: int, state: State, half_lives: HalfLives) -> Leanings:
    """`leanings_of`, worked out once for each version of a profile; the users seen last are kept."""
    known = _kept.setdefault(world, OrderedDict())
    mark = version, sum(one.embedding is not None for one in state.said)
    kept = known.get(user_id)
    if kept is None or kept[0] != mark:
        kept = known[user_id] = mark, leanings_of(world, state, half_lives)
        if len(known) > MOST_USERS:
            known.popitem(last=False)
    known.move_to_end(user_id)
    return kept[1]
