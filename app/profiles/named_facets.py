"""Facets as people name them."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import numpy as np

from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.item import label_of, path_of

CATEGORY, CLUSTER = "category:", "cluster:"
N_NEAR = 3


def facets_named(word: str, catalogue: Catalogue, space: ItemSpace) -> list[str]:
    """The facets that a word means: a facet itself, the last steps of a category, a label, or an attribute's value.

    More than one where it is not clear which is meant.
    """
    word = " ".join(word.split()).lower()
    whole = _as_path(word)
    if whole in catalogue.facet_of:
        return [whole]
    clusters = list(_clusters(catalogue, space))
    if word in clusters:
        return [word]
    labelled = [*_ending_in(catalogue, whole.removeprefix(CATEGORY)), *_labelled(catalogue, word)]
    labelled += [facet for facet in clusters if label_of(facet) == word]
    return list(dict.fromkeys(labelled)) or [facet for facet in _attributes(catalogue) if facet.split(":")[1] == word]


def facets_near(word: str, catalogue: Catalogue, space: ItemSpace) -> list[str]:
    """The few whose names are nearest; looks at all of them (.3 s for 100,000)."""
    of_name: dict[str, str] = {}
    for facet in [*_in_use(catalogue), *_clusters(catalogue, space)]:
        of_name.setdefault(facet, facet)
        of_name.setdefault(label_of(facet), facet)
    near = get_close_matches(" ".join(word.split()).lower(), list(of_name), N_NEAR)
    return list(dict.fromkeys(of_name[name] for name in near))


def _as_path(word: str) -> str:
    """`Grocery>Frozen pizza` -> `grocery > frozen pizza`, with or without `category:` before it."""
    prefix = CATEGORY if word.startswith(CATEGORY) else ""
    return prefix + " > ".join(path_of(word.removeprefix(prefix))) if prefix or ">" in word else word


def _ending_in(catalogue: Catalogue, path: str) -> Iterator[str]:
    for number in catalogue.tree.by_step.get(path.rpartition(" > ")[2], ()):
        facet = catalogue.facets[number]
        if f" > {facet.removeprefix(CATEGORY)}".endswith(f" > {path}") and catalogue.tree.sizes[number]:
            yield facet


def _labelled(catalogue: Catalogue, word: str) -> Iterator[str]:
    return (facet for facet in _attributes(catalogue) if label_of(facet) == word)


def _attributes(catalogue: Catalogue) -> Iterator[str]:
    return (facet for facet in _in_use(catalogue) if not facet.startswith(CATEGORY))


def _in_use(catalogue: Catalogue) -> Iterator[str]:
    for number in np.flatnonzero(catalogue.tree.sizes).tolist():
        yield catalogue.facets[number]


def _clusters(catalogue: Catalogue, space: ItemSpace) -> Iterator[str]:
    for number in np.unique(space.clusters(np.arange(catalogue.n_rows, dtype=np.int32))).tolist():
        if number >= 0 and (label := space.cluster_label(number)):
            yield CLUSTER + label
