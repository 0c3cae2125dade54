"""Whether what a language model wrote of some facts says nothing but them. Whatever is not surely so is refused.

Every word is one of a fact, part of a name written whole, or one of a fixed list of plain English; what a sentence
says of a name (sought, left, less, avoided) is what a fact says of it; numbers keep their units.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from app.profiles.names import words_of
from app.profiles.narration import Fact, apart

MIN_LENGTH, MAX_LENGTH = 20, 600
MAX_SENTENCES = 4
MAX_MENTIONS = 3
# From this share of the attention on `mostly` is true, as in the template.
MOSTLY_PERCENT = 40

# Plain English that says nothing by itself: no negation, no number, no verb of liking, no word for how much.
FUNCTION_WORDS = frozenset(
    words_of("""
        a an the and but with of to in on at by for from as is are was were be been being has have had having do does
        did this that these those they them their theirs it its who whom which what whose when where while also too
        then so such there here now just both another other others some more than about around over up out into since
        person someone somebody customer shopper user people kind thing things interest interests interested attention
        taste tastes focus currently s
    """)
)
# Other words for those of the facts.
SAME = {"recently": "lately", "avoiding": "avoids", "searches": "searched", "percent": "%", "behaviors": "behaviours"}
MOSTLY = frozenset({"mostly", "mainly", "especially"})
UNITS = frozenset({"%", "times", "day", "days", "week", "weeks", "month", "months", "behaviours", "purchases"})

Side = Literal["sought", "avoided", "less", "left"]
_SOUGHT = ("buys", "watches", "likes", "picks", "looks", "turns", "leans", "comes", "searched", "wrote")
MARKERS: dict[str, Side] = {**dict.fromkeys(_SOUGHT, "sought"), "avoids": "avoided", "down": "avoided", "less": "less"}
_PUNCTUATION = frozenset(" .,;:'’‘\"“”()–—-%&/")
_ADDRESS = re.compile(r"https?|www|//|\w[.:]\w|\w@", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+|%")


@dataclass(frozen=True, slots=True)
class _Known:
    """The facts taken apart: the words of each without its name, the name as words, neighbours with a number."""

    facts: tuple[Fact, ...]
    words: tuple[frozenset[str], ...]
    names: tuple[tuple[str, ...], ...]
    pairs: tuple[frozenset[tuple[str, str]], ...]

    def of(self, name: tuple[str, ...]) -> Iterator[int]:
        """Places of the facts about a name, or of those about nothing in particular."""
        return (place for place, other in enumerate(self.names) if not other or other == name)


def fault_of(text: str, facts: Sequence[Fact]) -> str | None:
    """Why a text is refused, None for one that holds. The reason quotes nothing of it."""
    if fault := _shape(text):
        return fault
    known = _taken_apart(facts)
    sentences = list(_sentences(text, known))
    if len(sentences) > MAX_SENTENCES:
        return "more than four sentences"
    mentions = [place for sentence in sentences for place in sentence if isinstance(place, int)]
    if not mentions:
        return "no fact with a name in it"
    if max(map(mentions.count, mentions)) > MAX_MENTIONS:
        return "says one thing again and again"
    faults = (fault for sentence in sentences for fault in _faults(sentence, known))
    return next(faults, None)


def tidy(text: str) -> str:
    """The first paragraph on one line, without quotation marks around the whole."""
    lines = text.strip().split("\n\n")[0].split()
    return " ".join(lines).strip('"“” ')


def _shape(text: str) -> str | None:
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        return "too short or too long"
    if unicodedata.normalize("NFKC", text) != text or not all(map(_is_allowed, text)):
        return "characters that plain text has no need of"
    return "looks like an address" if _ADDRESS.search(text) else None


def _is_allowed(letter: str) -> bool:
    if letter.isalpha():
        return unicodedata.name(letter, "").startswith("LATIN ")
    return letter in _PUNCTUATION or "0" <= letter <= "9"


def _taken_apart(facts: Sequence[Fact]) -> _Known:
    pieces = [[_tokens(piece) for piece in apart(fact)] for fact in facts]
    words = tuple(frozenset(SAME.get(word, word) for piece in both for word in piece) for both in pieces)
    pairs = tuple(frozenset(pair for piece in both for pair in pairwise(["", *piece, ""])) for both in pieces)
    names = tuple(tuple(words_of(fact.name or "")) for fact in facts)
    return _Known(tuple(facts), words, names, pairs)


def _tokens(text: str) -> list[str]:
    return [SAME.get(word, word) for word in _WORD.findall(text.casefold())]


def _sentences(text: str, known: _Known) -> Iterator[list[str | int]]:
    """The words of each sentence, with the place of the first fact of that name where a whole name stands."""
    order = sorted((name, place) for place, name in enumerate(known.names) if name)
    order.sort(key=lambda one: (-len(one[0]), one[1]))
    for sentence in re.split(r"[.!?]", text.casefold()):
        if words := _tokens(sentence):
            yield _with_names(words, order)


def _with_names(words: list[str], order: Sequence[tuple[tuple[str, ...], int]]) -> list[str | int]:
    found: list[str | int] = []
    at = 0
    while at < len(words):
        for name, place in order:
            if tuple(words[at : at + len(name)]) == name:
                found.append(place)
                at += len(name)
                break
        else:
            found.append(words[at])
            at += 1
    return found


def _faults(sentence: list[str | int], known: _Known) -> Iterator[str]:
    yield from _strange(sentence, known)
    yield from _wrong_numbers(sentence, known)
    yield from _wrong_sides(sentence, known)


def _strange(sentence: list[str | int], known: _Known) -> Iterator[str]:
    """Words that no fact about what the sentence names, or about nothing in particular, has."""
    named = {known.names[place] for place in sentence if isinstance(place, int)}
    allowed = set(FUNCTION_WORDS)
    for name, words in zip(known.names, known.words, strict=True):
        if not name or name in named:
            allowed |= words
    if _percent(known) >= MOSTLY_PERCENT:
        allowed |= MOSTLY
    if any(isinstance(word, str) and word not in allowed for word in sentence):
        yield "a word that no fact about this has"


def _percent(known: _Known) -> int:
    """Of the attention that goes to what is sought."""
    found = (re.search(r"(\d+) % of the attention", fact.text) for fact in known.facts if fact.name)
    return sum(int(match.group(1)) for match in found if match)


def _wrong_numbers(sentence: list[str | int], known: _Known) -> Iterator[str]:
    """A number stands beside its unit, or else the word before, as in a fact about the name before it."""
    names = [known.names[word] for word in sentence if isinstance(word, int)]
    name = names[0] if names else ()
    padded = ["", *sentence, ""]
    for before, number, after in zip(padded, padded[1:], padded[2:], strict=False):
        if isinstance(number, int):
            name = known.names[number]
        elif number.isdecimal():
            pairs = frozenset().union(*(known.pairs[place] for place in known.of(name)))
            if (number, after) not in pairs and (after in UNITS or (before, number) not in pairs):
                yield "a number that no fact about this has"


def _wrong_sides(sentence: list[str | int], known: _Known) -> Iterator[str]:
    side: Side | None = None
    lately = False
    for word in sentence:
        if isinstance(word, int):
            if side not in {_side(known.words[place]) for place in known.of(known.names[word]) if known.names[place]}:
                yield "something else of a name than the facts say"
            if lately and not any("lately" in known.words[place] for place in known.of(known.names[word])):
                yield "a time that no fact about this has"
            lately = False
        else:
            side = _turned(side, word)
            lately = lately or word == "lately"


def _turned(side: Side | None, word: str) -> Side | None:
    """What is said of the names that follow."""
    if word == "more":
        return side if side == "avoided" else "sought"
    if word == "to":
        return "sought" if side == "left" else side
    if word == "from":
        return side if side is None else "left"
    return MARKERS.get(word, side)


def _side(words: frozenset[str]) -> Side:
    if words & {"avoids", "down"}:
        return "avoided"
    return "less" if "less" in words else "left" if "from" in words else "sought"
