"""What was worked out of a user's profile is kept as long as neither the profile nor the world changes."""

from __future__ import annotations

from collections import OrderedDict
from weakref import WeakKeyDictionary

from app.profiles.decay import HalfLives
from app.profiles.state import State
from app.retrieval.base import World
from app.retrieval.query import Taste, taste_of

# About 20 kB a user.
MOST_USERS = 1000

_kept: WeakKeyDictionary[World, OrderedDict[str, tuple[int, Taste]]] = WeakKeyDictionary()


def kept_taste(world: World, user_id: str, version: int, state: State, half_lives: HalfLives) -> Taste:
    """`taste_of`, worked out once for each version of a profile; the users seen last are kept."""
    tastes = _kept.setdefault(world, OrderedDict())
    kept = tastes.get(user_id)
    if kept is None or kept[0] != version:
        kept = tastes[user_id] = version, taste_of(state, world.catalogue, world.space, half_lives)
        if len(tastes) > MOST_USERS:
            tastes.popitem(last=False)
    tastes.move_to_end(user_id)
    return kept[1]
