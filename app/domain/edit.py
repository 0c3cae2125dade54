"""What a person changed in a profile by hand. It wins over whatever was learned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Action = Literal["more", "less", "never", "pin"]
Kind = Literal["facet", "item"]
# How a word became a facet: it is its name, or what reads like the word is nearly all of that facet.
Matched = Literal["named", "alike"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to happen with a facet (as the catalogue writes it, clusters included) or an item (its id)."""

    action: Action
    kind: Kind
    target: str
    label: str
    matched: Matched = "named"


@dataclass(frozen=True, slots=True)
class Understood:
    """A statement in words, compiled.

    `wish` is what is searched for by its meaning, "" for nothing; `lasts_days` how long all of it holds, None for
    good. `unclear` are the words that were not understood, `conflicts` what contradicts itself, both told, never
    guessed; `in_words` says what will happen.
    """

    rules: tuple[Rule, ...] = ()
    wish: str = ""
    lasts_days: float | None = None
    unclear: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    in_words: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change, immutable: a rule, or a statement (`text`) with what it was understood as.

    `seq` is its place in the user's log and `reverted_seq` that of its withdrawal; `embedding` is the raw float16
    vector of the statement's wish.
    """

    edit_id: str
    seq: int
    rules: tuple[Rule, ...]
    text: str | None
    wish: str
    embedding: bytes | None
    created_at: datetime
    expires_at: datetime | None = None
    reverted_at: datetime | None = None
    reverted_seq: int | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it acts at a moment."""
        over = [moment for moment in (self.expires_at, self.reverted_at) if moment is not None]
        return self.created_at <= at and all(at < moment for moment in over)


@dataclass(frozen=True, slots=True)
class HeldEdit:
    """An edit that holds, as it is shown. `superseded_by` is the newer one that speaks of all that it speaks of.

    A statement has no `kind`, `target` and `label`, everything else no `text`.
    """

    edit_id: str
    action: str
    kind: Kind | None
    target: str | None
    label: str | None
    text: str | None
    in_words: str
    created_at: datetime
    expires_at: datetime | None
    superseded_by: str | None = None
