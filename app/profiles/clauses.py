"""A statement cut into clauses: what is asked for, and of what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.profiles.stems import Token, tokens_of
from app.profiles.words_of_time import Span
from app.profiles.words_of_wishes import (
    ANDS,
    AT_START,
    COMMAS,
    COPULAS,
    FILLERS,
    MARKERS,
    MOST_WORDS,
    NEGATIVE,
    POSITIVE,
    PREPOSITIONS,
    SOFT_STOPS,
    STOPS,
    SUBJECTS,
    Intent,
)


@dataclass(slots=True)
class Clause:
    """One intent, None for bare words, and the words and joints that it is about. It stands at `start` to `end`.

    `is_empty` while it holds nothing but fillers.
    """

    intent: Intent | None
    start: int
    end: int
    tokens: list[Token] = field(default_factory=list)
    is_empty: bool = True

    def add(self, token: Token) -> None:
        self.tokens.append(token)
        if not is_joint(token):
            self.end = token.end
            self.is_empty &= token.word in FILLERS


def is_joint(token: Token) -> bool:
    return token.word in ANDS or token.word in COMMAS


def clauses_of(text: str, times: Sequence[Span]) -> list[Clause]:
    """In order; words of time are left out. Linear in the length of the text."""
    tokens = list(_outside(tokens_of(text), times))
    reader = _Reader()
    place = 0
    while place < len(tokens):
        place += reader.take(tokens, place)
    reader.close(None, len(text), len(text))
    return reader.clauses


def _outside(tokens: Sequence[Token], times: Sequence[Span]) -> Iterator[Token]:
    coming = iter(times)
    span = next(coming, None)
    for token in tokens:
        while span is not None and token.start >= span.end:
            span = next(coming, None)
        if span is None or token.end <= span.start:
            yield token


class _Reader:
    def __init__(self) -> None:
        self.clauses: list[Clause] = []
        self._clause = Clause(None, 0, 0)

    def take(self, tokens: Sequence[Token], place: int) -> int:
        """Reads what stands at a place; returns how many tokens that was."""
        token = tokens[place]
        if token.word in SOFT_STOPS and self._clause.is_empty:
            return 1  # `less: horror`
        if token.word in STOPS:
            self.close(None, token.end, token.end)
            return 1
        found, n = self._marker(tokens, place)
        if found is not None:
            self._meet(found, tokens[place : place + n])
        elif token.is_word or is_joint(token):
            self._add(token)
        return n

    def close(self, intent: Intent | None, start: int, end: int) -> None:
        """Ends the clause, and begins another."""
        if self._clause.tokens or self._clause.intent is not None:
            self.clauses.append(self._clause)
        self._clause = Clause(intent, start, end)

    def _add(self, token: Token) -> None:
        if token.word in SUBJECTS and not self._clause.is_empty and is_joint(self._clause.tokens[-1]):
            self.close(None, token.start, token.end)
        if not self._clause.tokens and self._clause.intent is None:
            self._clause.start = token.start
        self._clause.add(token)

    def _marker(self, tokens: Sequence[Token], place: int) -> tuple[Intent | None, int]:
        words: tuple[str, ...] = tuple(token.word for token in tokens[place : place + MOST_WORDS])
        last = self._clause.tokens[-1] if self._clause.tokens else None
        begins = self._clause.is_empty or (last is not None and is_joint(last))
        if not begins and last is not None and (last.word, words[0]) == ("any", "more"):
            return None, 1  # `not needed any more`
        for n in range(len(words), 0, -1):
            intent = MARKERS.get(words[:n])
            if intent is not None and (begins or words[:n] not in AT_START):
                return intent, n
        return None, 1

    def _meet(self, intent: Intent, marker: Sequence[Token]) -> None:
        clause, start, end = self._clause, marker[0].start, marker[-1].end
        if clause.is_empty:
            parted = bool(clause.tokens) and is_joint(clause.tokens[-1])
            first = clause.start if clause.intent and not parted else start
            self._clause = Clause(intent if parted else _together(clause.intent, intent), first, end)
        elif (only := _described(clause, intent)) is not None:
            clause.intent = only
            self._swallow(marker)
        else:
            self.close("never" if intent == "without" else intent, start, end)

    def _swallow(self, marker: Sequence[Token]) -> None:
        for token in marker:
            self._clause.add(token)


def _described(clause: Clause, intent: Intent) -> Intent | None:
    """What a clause becomes where the next intent only describes what it holds; None where a new clause begins."""
    last, refused = clause.tokens[-1], clause.intent in NEGATIVE or clause.intent == "unclear"
    if last.word in PREPOSITIONS and intent != "except":
        # `a snack with less sugar`: nobody can tell the snack by it.
        return "unclear" if refused else "want"
    not_wanted = last.word in COPULAS and intent in NEGATIVE  # `fish is not needed`
    not_all = intent == "without" and refused and not is_joint(last)  # `less pizza without cheese`
    return "unclear" if not_wanted or not_all else None


def _together(before: Intent | None, intent: Intent) -> Intent:
    """`do not` + `show me` + `more`: what two intents say when nothing stands between them."""
    if before is None or before in {"want", "am", "more"}:
        return "never" if intent == "without" else intent
    if before in {"pin", "also"}:
        return before if intent in POSITIVE else intent
    if before in NEGATIVE and intent in POSITIVE and intent != "also":
        return before
    return before if before == intent == "less" else "unclear"
