"""From the words of a clause to the facets that they name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from app.domain.catalogue import Catalogue
from app.profiles.clauses import is_joint
from app.profiles.stems import Token, stems_of
from app.profiles.vocabulary import Vocabulary
from app.profiles.words_of_shops import CHINESE_NAMES, GATHERED, OTHER_NAMES
from app.profiles.words_of_wishes import COMMAS, FILLERS, GENERIC

Words = Sequence[Token]
# At most this many names joined by `and` are one label (`air care and candles and accessories`).
_MOST_JOINED = 4
_Table = dict[str, list[list[str]]]


def _by_stems(table: dict[str, str]) -> _Table:
    return {" ".join(stems_of(word)): [stems_of(kind) for kind in kinds.split("|")] for word, kinds in table.items()}


_GATHERED, _OTHERS = _by_stems(GATHERED), _by_stems(OTHER_NAMES)


def names_in(tokens: Words, vocabulary: Vocabulary) -> Iterator[list[Token]]:
    """What stands between joints; words joined by `and` stay together where that is the name of a facet."""
    parts = [(comma, list(group)) for comma, group in groupby(tokens, key=_joint)]
    place = 0
    while place < len(parts):
        if parts[place][0]:
            place += 1
            continue
        end = next((end for end in _ends(parts, place) if vocabulary.named(_stems(_flat(parts[place:end])))), place + 1)
        yield _flat(parts[place:end])
        place = end


class Named(NamedTuple):
    """Facets, and the words that are their name."""

    facets: list[int]
    words: str


NOTHING = Named([], "")


def recognised(words: Words, vocabulary: Vocabulary) -> Named:
    """The facets that the words name in full, by whatever is their own name or the kind; none where any is left over.

    Articles and the like around a name do not count, nor do words for everything (`films` in `war films`).
    """
    for some in _variants(words):
        for stems in (_stems(some), _from_chinese(some)):
            found = _facets(stems, vocabulary)
            if found:
                return Named(found, " ".join(token.word for token in some))
    return NOTHING


def core_of(words: Words) -> Words:
    """Without what surrounds a name, and what is said of everything; nothing may be left."""
    return _trimmed(words, FILLERS | GENERIC)


def spoken(words: Words) -> str:
    """The name as it is searched for by its meaning, in English where that is known."""
    some = core_of(words)
    return _english(some) or " ".join(token.word for token in some)


def highest(numbers: Sequence[int], catalogue: Catalogue) -> list[int]:
    """Without those below another of them."""
    wanted = set(numbers)
    return [number for number in dict.fromkeys(numbers) if wanted.isdisjoint(above(number, catalogue))]


def without(numbers: Sequence[int], spared: Sequence[int], catalogue: Catalogue) -> list[int]:
    """The facets with the spared ones taken out: a facet above one of them gives way to its other steps."""
    kept = set(spared)
    opened = {step for number in spared for step in above(number, catalogue)}
    left: list[int] = []
    waiting = [number for number in numbers if kept.isdisjoint([number, *above(number, catalogue)])]
    while waiting:
        number = waiting.pop(0)
        if number in opened:
            below = np.flatnonzero(catalogue.tree.parents == number).tolist()
            waiting.extend(step for step in below if step not in kept)
        else:
            left.append(number)
    return left


def above(number: int, catalogue: Catalogue) -> list[int]:
    """The steps above a facet, the nearest first."""
    parents, found = catalogue.tree.parents, []
    while (number := int(parents[number])) >= 0:
        found.append(number)
    return found


def _variants(words: Words) -> list[Words]:
    return [some for some in (words, _trimmed(words, FILLERS), core_of(words)) if some]


def _facets(stems: Sequence[str], vocabulary: Vocabulary) -> list[int]:
    """The whole name and its kinds; what the word gathers; another name for it."""
    if not stems:
        return []
    key = " ".join(stems)
    named = vocabulary.named(stems)
    gathered = [number for kind in _GATHERED.get(key, ()) for number in _own(kind, vocabulary)]
    kinds = vocabulary.kinds(stems) if named or not gathered else []
    found = [*named, *kinds, *gathered]
    if found or key not in _OTHERS:
        return list(dict.fromkeys(found))
    other = _OTHERS[key][0]
    wider = [other, *_GATHERED.get(" ".join(other), ())]
    return list(dict.fromkeys(number for kind in wider for number in _own(kind, vocabulary)))


def _own(stems: Sequence[str], vocabulary: Vocabulary) -> list[int]:
    return [*vocabulary.named(stems), *vocabulary.kinds(stems)]


def _from_chinese(words: Words) -> list[str]:
    return stems_of(_english(words))


def _english(words: Words) -> str:
    return CHINESE_NAMES.get("".join(token.word for token in words), "")


def _trimmed(words: Words, outside: frozenset[str]) -> Words:
    first, last = 0, len(words)
    while first < last and _is(words[first], outside):
        first += 1
    while last > first and _is(words[last - 1], outside):
        last -= 1
    return words[first:last]


def _is(token: Token, some: frozenset[str]) -> bool:
    return token.word in some or token.stem in some or is_joint(token)


def _joint(token: Token) -> str:
    return ("," if token.word in COMMAS else "and") if is_joint(token) else ""


def _ends(parts: Sequence[tuple[str, list[Token]]], place: int) -> Iterator[int]:
    """How far a name that begins at a place may reach, the longest first."""
    last = place + 1
    while last + 1 < len(parts) and parts[last][0] == "and" and last < place + 2 * _MOST_JOINED - 1:
        last += 2
    return iter(range(last, place + 1, -2))


def _flat(parts: Sequence[tuple[str, list[Token]]]) -> list[Token]:
    return [token for _, tokens in parts for token in tokens]


def _stems(words: Words) -> list[str]:
    return [token.stem for token in words if not is_joint(token)]
