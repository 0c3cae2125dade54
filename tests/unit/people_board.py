"""A board of which kinds and topics are known: few regulars who buy bread and milk again and again, and many browsers
of films who come once or twice and look at everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.ingest.weigh import BUILT_IN
from app.profiles import leaves
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.fold import fold
from app.profiles.leaves import Leaves
from app.profiles.state import State
from app.retrieval.base import Log

NOW = 1_700_000_000.0
HALF_LIVES = HalfLives()
KINDS = ("Grocery > Bread", "Grocery > Milk", "Films > Horror", "Films > Romance")
N_EACH = 20
N_REGULARS, N_BROWSERS = 40, 60

# (user, item, type, days ago)
Line = tuple[int, str, str, float]


def catalogue() -> Catalogue:
    """Items `0-0` .. `3-19`: the kind and the number."""
    return Catalogue(
        Item(f"{kind}-{n}", f"{name} {n}", categories=(name,), attributes={"brand": "none"})
        for kind, name in enumerate(KINDS)
        for n in range(N_EACH)
    )


def lines(seed: int = 0) -> list[Line]:
    rng = np.random.default_rng(seed)
    regulars = [
        (user, f"{rng.integers(2)}-{rng.integers(4)}", "purchase", 140.0 - 7 * (number // 3) - rng.random())
        for user in range(N_REGULARS)
        for number in range(60)
    ]
    starts = 150 * rng.random(N_BROWSERS)
    browsers = [
        (N_REGULARS + user, f"{2 + rng.integers(2)}-{rng.integers(N_EACH)}", "view", start + 0.1 * rng.random())
        for user, start in enumerate(starts.tolist())
        for _ in range(10)
    ]
    return regulars + browsers


def log_of(lines: Sequence[Line], weights: Mapping[str, float] = BUILT_IN) -> Log:
    lines = sorted(lines, key=lambda line: -line[3])
    types = sorted({line[2] for line in lines})
    items = sorted({line[1] for line in lines})
    return Log(
        users=np.array([line[0] for line in lines], dtype=np.int32),
        items=np.array([items.index(line[1]) for line in lines], dtype=np.int32),
        at=np.array([NOW - line[3] * DAY_S for line in lines], dtype=np.float64),
        weights=np.array([weights[line[2]] for line in lines], dtype=np.float32),
        types=np.array([types.index(line[2]) for line in lines], dtype=np.int16),
        n_users=max((line[0] for line in lines), default=-1) + 1,
        item_ids=items,
        type_names=types,
    )


def state_of(lines: Sequence[Line], user: int, weights: Mapping[str, float] = BUILT_IN) -> State:
    told = sorted((line for line in lines if line[0] == user), key=lambda line: -line[3])
    return fold(
        State(),
        [
            Interaction(seq, f"{seq:06d}", type_, NOW - days * DAY_S, weights[type_], item)
            for seq, (_, item, type_, days) in enumerate(told, 1)
        ],
        HALF_LIVES,
    )


def leaves_of(state: State, items: Catalogue) -> Leaves:
    """Of what a user turned to."""
    return leaves.leaves_of(items, items.rows(state.items))
