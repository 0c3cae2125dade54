"""At most so many of a kind in one slate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from app.domain.catalogue import Catalogue, Mask
from app.ranking.filters import in_category


class Quota:
    """Counts what a slate holds. `members` are (V,) masks, `most` how many of each may come."""

    def __init__(self, members: Sequence[Mask], most: Sequence[int]) -> None:
        self._members = members
        self._left = list(most)

    def after(self, rows: Iterable[int]) -> Quota:
        """Another one, for a slate that holds these already."""
        other = Quota(self._members, self._left)
        for row in rows:
            other.count(row)
        return other

    @property
    def binds(self) -> bool:
        return bool(self._members)

    def admits(self, row: int) -> bool:
        """Whether one more fits in."""
        return all(left > 0 or not member[row] for member, left in zip(self._members, self._left, strict=True))

    def count(self, row: int) -> None:
        """Takes a row in, whether it fits or not."""
        for number, member in enumerate(self._members):
            self._left[number] -= bool(member[row])

    def first(self, rows: Iterable[int], n: int) -> list[int]:
        """Places of the first `n` rows that fit in one after the other; they are counted."""
        taken: list[int] = []
        for place, row in enumerate(rows):
            if len(taken) >= n:
                break
            if self.admits(row):
                self.count(row)
                taken.append(place)
        return taken


def quota_of(catalogue: Catalogue, quotas: Mapping[str, float], limit: int, n_rows: int) -> Quota:
    """`quotas` by category: a whole number of items, or below 1 a share of `limit` places, rounded down."""
    members = [in_category(catalogue, n_rows, category) for category in quotas]
    return Quota(members, [most_of(value, limit) for value in quotas.values()])


def most_of(value: float, limit: int) -> int:
    return int(value) if value >= 1 else int(np.floor(value * limit + 1e-9))
