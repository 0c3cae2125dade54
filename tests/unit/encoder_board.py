"""A shop with three worlds whose texts share no words within a world: only behaviours tell what belongs together."""

from __future__ import annotations

import numpy as np

from app.domain.item import Item
from app.profiles.decay import DAY_S
from app.retrieval.base import Log

START = 1_700_000_000.0
WORLDS = (
    "violin lemon anchor pillow magnet cactus ladder soup candle hammer zebra ticket",
    "tractor perfume igloo mustard compass feather bucket opera walnut screw glacier stamp",
    "kettle dragon invoice peach helmet tulip microscope rope biscuit saddle lantern chess",
)
TITLES = [title for world in WORLDS for title in world.split()]
N_ITEMS, N_WORLDS = len(TITLES), len(WORLDS)
PER_WORLD = N_ITEMS // N_WORLDS


def items(n_silent: int = 0) -> list[Item]:
    """The last `n_silent` have no text."""
    return [
        Item(f"i{number}", title if number < N_ITEMS - n_silent else "", categories=())
        for number, title in enumerate(TITLES)
    ]


def log(n_users: int = 60, n_steps: int = 9) -> Log:
    """User u stays in world u mod 3 and takes an item of it a day, in an order of their own."""
    rng = np.random.default_rng(5)
    lines = [
        (START + step * DAY_S + user, user, PER_WORLD * (user % N_WORLDS) + place)
        for user in range(n_users)
        for step, place in enumerate(rng.permutation(PER_WORLD)[:n_steps].tolist())
    ]
    at, users, numbers = (np.array(column) for column in zip(*sorted(lines), strict=True))
    return Log(
        users=users.astype(np.int32),
        items=numbers.astype(np.int32),
        at=at.astype(np.float64),
        weights=np.ones(len(at), dtype=np.float32),
        types=np.zeros(len(at), dtype=np.int16),
        n_users=n_users,
        item_ids=[f"i{number}" for number in range(N_ITEMS)],
        type_names=["purchase"],
    )
