"""What was sent and acknowledged, and the checker that holds it against what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Fact(NamedTuple):
    """One behaviour. No two that are sent share their (user_id, at), so a fact that is stored twice is seen."""

    user_id: str
    behavior_id: str
    item_id: str
    type: str
    at: datetime

    def body(self) -> dict[str, str]:
        return {
            "user_id": self.user_id,
            "behavior_id": self.behavior_id,
            "item_id": self.item_id,
            "type": self.type,
            "occurred_at": self.at.isoformat(),
        }


Batch = tuple[Fact, ...]


@dataclass(slots=True)
class Ledger:
    """`strange` are answers that no client should get, whatever is killed."""

    sent: dict[tuple[str, str], Fact] = field(default_factory=dict)
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    batches: list[Batch] = field(default_factory=list)  # acknowledged ones, to be sent again
    n_retries: int = 0
    strange: list[str] = field(default_factory=list)

    def send(self, batch: Batch) -> None:
        self.sent.update(((fact.user_id, fact.behavior_id), fact) for fact in batch)

    def acknowledge(self, batch: Batch) -> None:
        self.acknowledged.update((fact.user_id, fact.behavior_id) for fact in batch)
        self.batches.append(batch)

    def counts(self) -> dict[str, dict[str, int]]:
        """By user and type, of what was acknowledged."""
        found: dict[str, Counter[str]] = {}
        for key in self.acknowledged:
            found.setdefault(key[0], Counter())[self.sent[key].type] += 1
        return {user_id: dict(counts) for user_id, counts in found.items()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lost`: acknowledged and not stored. `doubled`: stored once more. `unexpected`: stored and never sent so."""

    n_acknowledged: int
    n_stored: int
    lost: int
    doubled: int
    unexpected: int

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.unexpected)


def compare(ledger: Ledger, stored: Iterable[Fact]) -> Verdict:
    """What was sent and not acknowledged may be stored or not."""
    seen: set[tuple[str, datetime]] = set()
    found: set[tuple[str, str]] = set()
    n_stored = doubled = unexpected = 0
    for fact in stored:
        n_stored += 1
        key = fact.user_id, fact.behavior_id
        if (fact.user_id, fact.at) in seen:
            doubled += 1
        elif ledger.sent.get(key) != fact:
            unexpected += 1
        else:
            found.add(key)
        seen.add((fact.user_id, fact.at))
    return Verdict(len(ledger.acknowledged), n_stored, len(ledger.acknowledged - found), doubled, unexpected)


def miscounted(ledger: Ledger, profiles: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Users whose profile counts something else than was acknowledged of them."""
    return [user_id for user_id, counts in ledger.counts().items() if dict(profiles.get(user_id, {})) != counts]
