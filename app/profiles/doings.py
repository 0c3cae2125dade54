"""How a user is spoken of, by what they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.profiles.fold import IMPRESSION, PURCHASE


class Doing(NamedTuple):
    """`Buys`, with 12 `purchase`s. `strength`: how much more one says than a look."""

    type: str | None
    verb: str
    noun: str
    strength: int

    def count(self, counts: Mapping[str, int]) -> int:
        """How many behaviours are of this type; all that the user did for what is of no type."""
        if self.type is not None:
            return counts.get(self.type, 0)
        return sum(counts.values()) - counts.get(IMPRESSION, 0)

    def with_word(self, word: str) -> str:
        """`Buys more`, `Looks more at`."""
        does, _, at = self.verb.partition(" ")
        return f"{does} {word} {at}".strip()


DOINGS = (
    Doing("purchase", "Buys", "purchase", 5),
    Doing("watch", "Watches", "viewing", 3),
    Doing("rating", "Likes", "rating", 3),
    Doing("like", "Likes", "like", 3),
    Doing("share", "Likes", "share", 3),
    Doing("add_to_cart", "Picks", "pick", 2),
    Doing("click", "Looks at", "click", 1),
    Doing("view", "Looks at", "view", 1),
)
ANY = Doing(None, "Turns to", "behaviour", 0)
# What says nothing of what somebody turns to, or of what they turn away from, does not blur the verb.
BESIDE = frozenset({IMPRESSION, "search", "dislike", "skip", "return", "remove_from_cart"})


def doing_of(counts: Mapping[str, int]) -> Doing:
    """What the user does most. A verb that not all their behaviours bear out is none of theirs, but for a buyer's:
    purchases are counted for each interest.
    """
    most = max(DOINGS, key=lambda doing: counts.get(doing.type or "", 0) * doing.strength)
    if not counts.get(most.type or "", 0):
        return ANY
    alike = {doing.type for doing in DOINGS if doing.verb == most.verb}
    return most if most.type == PURCHASE or not counts.keys() - alike - BESIDE else ANY
