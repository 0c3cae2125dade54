"""What a statement was understood as, in plain English, for the person to read before it acts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.edit import Action, Matched
from app.profiles.phrases import counted, joined, quoted
from app.profiles.stems import stems_of

_VERBS: dict[Action, str] = {"more": "more", "less": "less", "never": "never", "pin": "always"}


@dataclass(slots=True)
class Asked:
    """One name of a statement: what is to happen with the facets (catalogue numbers) that it stands for.

    `start` is its place in the text.
    """

    action: Action
    said: str
    facets: list[int]
    matched: Matched = "named"
    start: int = 0
    labels: list[str] = field(default_factory=list)


def in_words(asked: Sequence[Asked], wish: str, until: datetime | None, now: datetime, left: Iterable[str]) -> str:
    """`For 7 days: less horror; never beers/ales (understood by what reads like “alcohol”). Not understood: “x”.`"""
    clauses = list(_clauses(asked))
    if wish:
        clauses.append(f"looks for {quoted(wish)}")
    sentences = [*([_first(clauses, until, now)] if clauses else ["Changes nothing."]), *left]
    return " ".join(sentences)


def _first(clauses: Sequence[str], until: datetime | None, now: datetime) -> str:
    text = f"{how_long(until, now)}: {'; '.join(clauses)}" if until else "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def how_long(until: datetime, now: datetime) -> str:
    """`For 7 days`, `For 12 hours`, `Until 25 December 2026`."""
    if (until.hour, until.minute) == (0, 0):
        return f"Until {until.day} {until:%B %Y}"
    hours = (until - now).total_seconds() / 3600
    return f"For {counted(round(hours / 24), 'day') if hours >= 24 else counted(max(1, round(hours)), 'hour')}"


def _clauses(asked: Sequence[Asked]) -> Iterator[str]:
    for action, verb in _VERBS.items():
        names = [_named(one) for one in asked if one.action == action]
        if names:
            yield f"{verb} {joined(list(dict.fromkeys(names)))}"


def _named(one: Asked) -> str:
    labels = list(dict.fromkeys(one.labels))
    words = joined(labels)
    if one.matched == "alike":
        return f"{words} (understood by what reads like {quoted(one.said)})"
    same = len(labels) == 1 and sorted(stems_of(labels[0])) == sorted(stems_of(one.said))
    return words if same else f"{words} (for {quoted(one.said)})"
