"""A checkerboard of which the right answers are known: 9 users, 12 items, so that swapping the two must fail.

Users 0-3 turn to the even items only, users 4-8 to the odd ones; the texts of even and odd items point apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue, Mask
from app.domain.item import Item
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.fold import fold
from app.profiles.state import State
from app.retrieval.base import Log, Query, World
from app.retrieval.query import Taste, build_query, taste_of
from app.training.generators import fit_generators
from tests.spaces import BruteForceSpace

NOW = 1_700_000_000.0
HALF_LIVES = HalfLives()
N_ITEMS, N_USERS = 12, 9
CATEGORIES = ("Grocery > Frozen pizza", "Garden > Tools")


def catalogue(n_items: int = N_ITEMS) -> Catalogue:
    return Catalogue(Item(f"i{row}", title=f"Item {row}", categories=(CATEGORIES[row % 2],)) for row in range(n_items))


def space(n_items: int = N_ITEMS) -> BruteForceSpace:
    """Two bundles of directions, each item a little off the middle of its own."""
    vectors = np.zeros((n_items, 2 + 16), dtype=np.float32)
    for row in range(n_items):
        vectors[row, row % 2] = 1.0
        vectors[row, 2 + row] = 0.3
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return BruteForceSpace(vectors, [row % 2 for row in range(n_items)], ["even", "odd"])


def log() -> Log:
    """Every user takes the items of their own colour one a day, each starting at another one."""
    lines = [
        (NOW - (20 - step) * DAY_S + user, user, 2 * ((user + step) % 6) + (user >= 4))
        for user in range(N_USERS)
        for step in range(6)
    ]
    at, users, items = (np.array(column) for column in zip(*sorted(lines), strict=True))
    return Log(
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        at=at.astype(np.float64),
        weights=np.ones(len(at), dtype=np.float32),
        types=np.zeros(len(at), dtype=np.int16),
        n_users=N_USERS,
        item_ids=[f"i{number}" for number in range(N_ITEMS)],
        type_names=["purchase"],
    )


def artifact(folder: Path, lines: Log | None = None) -> Path:
    fit_generators(lines or log(), catalogue(), space())(folder)
    return folder


def state(bought: Sequence[tuple[str, float]], type: str = "purchase", weight: float = 1.0) -> State:
    """A user by (item, days ago)."""
    rows = [
        Interaction(seq, str(seq), type, NOW - days * DAY_S, weight, item) for seq, (item, days) in enumerate(bought, 1)
    ]
    return fold(State(), rows, HALF_LIVES)


def world(items: Catalogue, n_placed: int | None = None) -> World:
    """Items from `n_placed` on have no embedding."""
    return World(items, space(items.n_rows if n_placed is None else n_placed), (), "board")


def taste(user: State, items: Catalogue | None = None) -> Taste:
    items = items or catalogue()
    return taste_of(user, items.rows(user.items), world(items), HALF_LIVES)


EVEN_USER = (("i4", 5.0), ("i2", 3.0), ("i0", 1.0))


def query(user: State, allowed: Mask | None = None, n: int = 50, items: Catalogue | None = None) -> Query:
    items = items or catalogue()
    mask = items.available.copy() if allowed is None else allowed
    return build_query(taste(user, items), mask, NOW, n, HALF_LIVES)
