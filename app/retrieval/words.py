"""Words that reasons are made of."""

from __future__ import annotations

from app.domain.item import Item
from app.profiles.decay import DAY_S

VERBS = {
    "purchase": "bought",
    "add_to_cart": "put in your cart",
    "view": "looked at",
    "click": "looked at",
    "like": "liked",
    "share": "shared",
    "comment": "commented on",
    "rating": "rated",
    "watch": "watched",
}


def did(type: str) -> str:
    """What the user did, as in `you ... it`."""
    return VERBS.get(type, "chose")


def name_of(item: Item) -> str:
    return item.title or item.item_id


def days(seconds: float) -> str:
    n = max(1, round(seconds / DAY_S))
    return "1 day" if n == 1 else f"{n:,} days"


def ago(seconds: float) -> str:
    return "today" if seconds < DAY_S / 2 else f"{days(seconds)} ago"
