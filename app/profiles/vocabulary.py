"""What a catalogue calls its facets, ready to be looked up by what people say.

Looked up are whole labels in any word order, written as one word or several (`baby food`, `babyfood`), and kinds: a
label that begins with the name (`candy - packaged`, `beers/ales`) or ends with it (`imported wine`).
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from app.domain.catalogue import Catalogue
from app.profiles.stems import stem_of, stems_of
from app.profiles.words_of_shops import NOT_A_KIND, NOT_REALLY
from app.profiles.words_of_wishes import ANDS

_PARTS = re.compile(r"[/:,;()|+]|\s-|-\s|\s&\s|\sand\s")
_EXOCENTRIC = frozenset(" ".join(stems_of(phrase)) for phrase in NOT_A_KIND)
_FLAGS = frozenset(["yes", "no", "true", "false", "y", "n"])
# Longer names than this are nobody's words.
MOST_STEMS = 8
_MOST_OF_A_KIND = 3

_lock = threading.Lock()
_known: WeakKeyDictionary[Catalogue, Vocabulary] = WeakKeyDictionary()


def vocabulary_of(catalogue: Catalogue) -> Vocabulary:
    """The one of this catalogue, brought up to date: 50,000 facets take about a second once, and nothing after."""
    with _lock:
        vocabulary = _known.setdefault(catalogue, Vocabulary())
        vocabulary.follow(catalogue.facets)
    return vocabulary


class Vocabulary:
    """Facets by number under every key that names them. Grows with the catalogue."""

    def __init__(self) -> None:
        self._n_facets = 0
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        self._kinds: defaultdict[str, list[int]] = defaultdict(list)

    def follow(self, facets: Sequence[str]) -> None:
        for number in range(self._n_facets, len(facets)):
            self._enter(facets[number], number)
            self._n_facets = number + 1

    def named(self, stems: Sequence[str]) -> list[int]:
        """The facets of which this is the whole name."""
        if not 0 < len(stems) <= MOST_STEMS:
            return []
        apart, together = self._named.get(_key(stems), []), self._named.get(_together(stems), [])
        return sorted({*apart, *together})

    def kinds(self, stems: Sequence[str]) -> list[int]:
        """The facets whose name begins or ends with this, so that they are kinds of it."""
        return list(self._kinds.get(_key(stems), ())) if 0 < len(stems) <= _MOST_OF_A_KIND else []

    def _enter(self, facet: str, number: int) -> None:
        name, _, value = facet.partition(":")
        if name != "category":
            self._enter_attribute(name, value, number)
            return
        label = value.rpartition(" > ")[2]
        stems = stems_of(label)
        self._name(stems, number)
        part = _leading(label)
        leading = stems if part == label else stems_of(part)
        if not NOT_REALLY.isdisjoint(stems) or not ANDS.isdisjoint(leading):
            return  # `frozen meat (vegetarian)`, `apple juice & cider`
        for first in range(0 if len(leading) < len(stems) else 1, len(leading)):
            if len(leading) - first <= _MOST_OF_A_KIND and _is_kind(leading, first):
                self._kinds[_key(leading[first:])].append(number)

    def _enter_attribute(self, name: str, value: str, number: int) -> None:
        stems = stems_of(value)
        if value not in _FLAGS:
            self._name(stems, number)
        elif value in {"yes", "true", "y"}:
            stems = []
        self._name([*stems_of(name), *stems], number)

    def _name(self, stems: Sequence[str], number: int) -> None:
        words = [stem for stem in stems if stem not in ANDS]
        if not 0 < len(words) <= MOST_STEMS:
            return
        for key in {_key(words), _together(words)}:
            self._named[key].append(number)


def _leading(label: str) -> str:
    """The first of several names. `and` parts names after a plural: `cold and flu` is one, `toys and games` two."""
    match = _PARTS.search(label)
    if match is None or not match.start():
        return label
    part = label[: match.start()]
    last = part.split()[-1] if part.split() else ""
    joined = match.group().strip() in {"&", "and"}
    return label if joined and stem_of(last) == last else part


def _is_kind(stems: Sequence[str], first: int) -> bool:
    if first == len(stems) - 1 and stems[first].endswith("ing"):
        return False  # drain cleaning is what one does with a drain
    return first == 0 or f"{stems[first - 1]} {stems[first]}" not in _EXOCENTRIC


def _key(stems: Iterable[str]) -> str:
    return " ".join(sorted(stems))


def _together(stems: Iterable[str]) -> str:
    return "".join(stems)
