"""Where the past ends. One moment for all users, so that nobody learns from another one's tomorrow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.domain.catalogue import Mask, Rows
from app.domain.errors import InvalidInput
from app.evaluation.events import Events


@dataclass(frozen=True, slots=True)
class Split:
    """`events` cut in three by time: train | validation | test. Behaviours of one instant lie on one side."""

    events: Events
    validation_row: int
    test_row: int

    @property
    def train(self) -> Events:
        return self.events.take(slice(0, self.validation_row))

    @property
    def validation(self) -> Events:
        return self.events.take(slice(self.validation_row, self.test_row))

    @property
    def test(self) -> Events:
        return self.events.take(slice(self.test_row, None))

    @property
    def before_test(self) -> Events:
        """All that may be known when the test begins; also all that tuning may look at."""
        return self.events.take(slice(0, self.test_row))


def split_by_time(events: Events, validation_from: float = 0.8, test_from: float = 0.9) -> Split:
    """Cuts at quantiles of behaviours. Raises InvalidInput when a part would be empty."""
    validation_row, test_row = _cut(events, validation_from), _cut(events, test_from)
    if not 0 < validation_row < test_row < len(events):
        raise InvalidInput(
            "These behaviours do not reach over enough time to be split.",
            "Bring behaviours of at least three different moments, spread over the period.",
        )
    return Split(events, validation_row, test_row)


def cold_users(events: Events, row: int) -> Mask:
    """(U,) users who act after `row` but not before."""
    return _newcomers(events.users, row, events.n_users)


def cold_items(events: Events, row: int) -> Mask:
    """(V,) items with behaviours after `row` but none before."""
    return _newcomers(events.items, row, events.n_items)


def draw_withheld(events: Events, seed: int, share: float = 0.15) -> Mask:
    """(V,) a random share of the items with behaviours, to be removed from training as if they were new."""
    seen = np.unique(events.items)
    drawn = np.random.default_rng(seed).choice(seen, size=round(share * len(seen)), replace=False)
    withheld = np.zeros(events.n_items, dtype=np.bool_)
    withheld[drawn] = True
    return withheld


def without_items(events: Events, withheld: Mask) -> Events:
    return events.take(~withheld[events.items])


def _cut(events: Events, share: float) -> int:
    return events.row_at(events.at[min(int(share * len(events)), len(events) - 1)]) if len(events) else 0


def _newcomers(numbers: Rows, row: int, n: int) -> Mask:
    before, after = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    before[numbers[:row]] = True
    after[numbers[row:]] = True
    return after & ~before
