"""What a user buys again and again."""

from __future__ import annotations

from typing import NamedTuple

from app.domain.catalogue import Catalogue
from app.domain.item import Item
from app.profiles.decay import DAY_S
from app.profiles.state import State, Tally

MIN_PURCHASES = 4
# More often than daily is one basket with many lines; rarer than this nobody would call it a habit.
MIN_DAYS, MAX_DAYS = 1.0, 90.0
# After three intervals without it the habit is over.
N_MISSED = 3


class Habit(NamedTuple):
    item_id: str
    title: str
    n_purchases: int
    every_days: float


def habits_of(state: State, catalogue: Catalogue, at: float, limit: int) -> list[Habit]:
    """The strongest first, only items with a title; `at` in seconds since 1970."""
    often = [(item_id, tally) for item_id, tally in state.items.items() if tally.n_purchases >= MIN_PURCHASES]
    often.sort(key=lambda pair: (-pair[1].n_purchases, pair[0]))
    found: dict[str, Habit] = {}
    for item_id, tally in often:
        row, days = catalogue.row_of.get(item_id), _every_days(tally)
        if row is None or not MIN_DAYS <= days <= MAX_DAYS:
            continue
        title = _short_title(catalogue.items[row])
        if title and title not in found and at - tally.last_purchase_at <= N_MISSED * days * DAY_S:
            found[title] = Habit(item_id, title, tally.n_purchases, days)
        if len(found) == limit:
            break
    return list(found.values())


def _short_title(item: Item) -> str:
    """Without an attribute that the title repeats at its end: `Bananas, 40 LB` -> `Bananas`."""
    title = item.title
    for value in item.attributes.values():
        title = title.removesuffix(f", {value}")
    return title


def _every_days(tally: Tally) -> float:
    return (tally.last_purchase_at - tally.first_purchase_at) / DAY_S / (tally.n_purchases - 1)
