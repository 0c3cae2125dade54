"""Which of the ordered candidates make the slate: mixed, within quotas, the last places drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Mask, Rows
from app.domain.recommendation import Wish
from app.ranking.diversify import diversify
from app.ranking.explore import draws, n_explored, weights_of
from app.ranking.quotas import Quota, quota_of
from app.retrieval.base import World
from app.retrieval.fuse import Fused

# So many of the best are looked at when a slate is mixed.
N_MIXED = 100


@dataclass(frozen=True, slots=True)
class Composed:
    """In the order of the slate: `pinned` rows, `places` among the candidates, `filled` rows that no source spoke for,
    and at the end the places that were `drawn`, with the chance of each.
    """

    pinned: Rows
    places: Rows
    filled: Rows
    drawn: Rows
    chances: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """What a slate has to hold to: `allowed` are the rows that may come beside the pinned ones, and of what is in
    `quota` no more than is left beside them.
    """

    wish: Wish
    pinned: Rows
    allowed: Mask
    quota: Quota

    @property
    def n_open(self) -> int:
        return self.wish.limit - len(self.pinned)

    @property
    def n_drawn(self) -> int:
        return min(self.n_open, n_explored(self.wish.exploration, self.wish.limit))


def room_for(catalogue: Catalogue, wish: Wish, pinned: Rows, allowed: Mask) -> Room:
    quota = quota_of(catalogue, wish.quotas, wish.limit, len(allowed))
    return Room(wish, pinned, allowed, quota.after(pinned.tolist()))


def mixed(world: World, fused: Fused, room: Room) -> Rows:
    """Places among the candidates, up to those that are drawn; those beyond the mixed ones follow as they are."""
    wish, n = room.wish, room.n_open - room.n_drawn
    n_mixed = max(N_MIXED, wish.limit) if wish.diversity > 0 else 0
    head = fused.rows[:n_mixed]
    n_asked = len(head) if room.quota.binds else n
    first = diversify(fused.scores[:n_mixed], world.space.vectors(head), n_asked, wish.diversity)
    order: Rows = np.concatenate([first, np.arange(len(head), len(fused.rows))]).astype(np.int32)
    return order[room.quota.after(()).first(fused.rows[order].tolist(), n)] if room.quota.binds else order[:n]


def fitting(fused: Fused, places: Rows, room: Room) -> Rows:
    """As many of these places as the quotas admit, then others in their order."""
    if not room.quota.binds:
        return places
    order = np.concatenate([places, np.setdiff1d(np.arange(len(fused.rows), dtype=np.int32), places)])
    return order[room.quota.after(()).first(fused.rows[order].tolist(), len(places))]


def compose(world: World, fused: Fused, places: Rows, room: Room, seed: str) -> Composed:
    """The whole slate around the `places` that are mixed; the same `seed` draws the same."""
    left = room.quota.after(fused.rows[places].tolist()) if room.quota.binds else room.quota
    drawn, chances = _drawn(fused, places, room.n_drawn, seed, left) if room.n_drawn else (places[:0], ())
    taken = fused.rows[np.concatenate([places, drawn])]
    filled = _newest(world.catalogue, room.allowed, taken, room.n_open - len(taken), left)
    return Composed(room.pinned, places, filled, drawn, chances)


def _drawn(fused: Fused, places: Rows, n: int, seed: str, quota: Quota) -> tuple[Rows, tuple[float, ...]]:
    """`n` of the candidates beyond those in their places, or as many as there are."""
    beyond = np.setdiff1d(np.arange(len(fused.rows), dtype=np.int32), places)
    rows = fused.rows[beyond].tolist()
    drawn: list[int] = []
    chances: list[float] = []
    for place, chance in draws(weights_of(fused.scores[beyond]), seed, lambda place: quota.admits(rows[place])):
        quota.count(rows[place])
        drawn.append(place)
        chances.append(chance)
        if len(drawn) == n:
            break
    return beyond[drawn], tuple(chances)


def _newest(catalogue: Catalogue, allowed: Mask, taken: Rows, n: int, quota: Quota) -> Rows:
    """Allowed rows that no source spoke for: those published last, then those without a date, latest row first."""
    if n <= 0:
        return np.empty(0, dtype=np.int32)
    free = allowed.copy()
    free[taken] = False
    rows: NDArray[np.int64] = np.flatnonzero(free)
    published_at = np.nan_to_num(catalogue.published_at[rows], nan=-np.inf)
    rows = rows[np.lexsort((-rows, -published_at))]
    return (rows[quota.first(rows.tolist(), n)] if quota.binds else rows[:n]).astype(np.int32)
