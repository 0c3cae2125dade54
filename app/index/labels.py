"""Names for clusters: the words that tell one group of items from the others, as a shopper would say them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import log

import numpy as np
from numpy.typing import NDArray

from app.domain.item import Item, path_of

# Words that say how much, how sold or nothing at all; a name made of them names nothing.
_EMPTY_WORDS = """
a an and all any are as at be by for from has in into is it its misc miscellaneous more new no non not of off on or
other others per plus that the their these this to up use with without you your
assorted assortment authentic dry economy mainstream premium refrigerated
item items product products type types general regular standard various
bag bags bottle bottles box boxes can cans case count ct dozen each ea fl ft g gal gallon gallons gr in inch kg l
large lb lbs liter liters medium mega mini ml mm cm multi oz ounce ounces pack packs pc pcs pint pints pk pkg piece
pieces quart quarts qt roll rolls set sets single size sizes small sq xl xxl
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
# A phrase must hold for this share of the items before it may name them.
_ENOUGH = 0.12


def name_clusters(items: Sequence[Item], clusters: NDArray[np.integer], n: int) -> list[str]:
    """One name for each of `n` clusters, all different; `clusters` gives the number of each item, -1 for none.

    Terms are the last steps of categories, and words and pairs of words of titles. They are ranked by c-TF-IDF
    (Grootendorst 2022, BERTopic): share within the cluster times log(1 + mean size / frequency overall).
    """
    counts: list[Counter[str]] = [Counter() for _ in range(n)]
    sizes = [0] * n
    for item, cluster in zip(items, clusters, strict=True):
        if cluster >= 0:
            counts[cluster].update(set(_terms(item)))
            sizes[cluster] += 1
    overall: Counter[str] = Counter()
    for count in counts:
        overall.update(count)
    mean_size = sum(sizes) / max(n, 1)
    taken: set[str] = set()
    names = [""] * n
    for cluster in sorted(range(n), key=lambda c: -sizes[c]):
        ranked = _ranked(counts[cluster], sizes[cluster], overall, mean_size)
        alone = bool(ranked) and counts[cluster][ranked[0]] > sizes[cluster] / 2
        names[cluster] = _unused(ranked, taken, alone) or f"group {cluster + 1}"
        taken.add(names[cluster])
    return names


def _terms(item: Item) -> Iterator[str]:
    for category in item.categories:
        leaf = " ".join(path_of(category)[-1:]).lower()
        if _is_name(_words(leaf)):
            yield " ".join(leaf.split())
    # What follows a comma in a title is most often a size or a variant.
    for part in re.split(r"[/:;()|&]| - ", item.title.lower().split(", ")[0]):
        words = _words(part)
        yield from (word for word in words if not _is_empty([word]))
        yield from (f"{a} {b}" for a, b in pairwise(words) if not _is_empty([a]) and not _is_empty([b]))


def _is_name(words: Sequence[str]) -> bool:
    """More than four words are a description, and a number is a size."""
    return 0 < len(words) <= 4 and not any(_is_empty([word]) for word in words)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\w*\d\w*", text)


def _is_empty(words: Iterable[str]) -> bool:
    return all(word in _EMPTY or len(word) < 2 or any(c.isdigit() for c in word) for word in words)


def _ranked(count: Counter[str], size: int, overall: Counter[str], mean_size: float) -> list[str]:
    def weight(term: str) -> float:
        telling = count[term] / size * log(1 + mean_size / overall[term])
        # A longer phrase says more for the same share; beyond three words it is a list, not a name.
        return telling * (1 + 0.25 * min(term.count(" "), 2))

    terms = [term for term, n in count.items() if n >= _ENOUGH * size] or list(count)
    return sorted(terms, key=lambda term: (-weight(term), term))


def _unused(ranked: list[str], taken: set[str], alone: bool) -> str:
    """The first terms that share no word: two of them, or one that stands `alone`; another number if that is taken."""
    chosen: list[str] = []
    for term in ranked:
        if not any(_overlap(term, other) for other in chosen):
            chosen.append(term)
    for n in (1, 2, 3, 4) if alone else (2, 1, 3, 4):
        if len(chosen) >= n and (name := ", ".join(chosen[:n])) not in taken:
            return name
    return ""


def _overlap(a: str, b: str) -> bool:
    return bool({_stem(word) for word in _words(a)} & {_stem(word) for word in _words(b)})


def _stem(word: str) -> str:
    return word.removesuffix("s")
