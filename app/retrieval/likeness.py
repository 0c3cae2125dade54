"""Which facets a phrase means, by what reads like it: for what people name in words that the catalogue does not have.

The embedded phrases enter; for each, the facets that stand out and the share of each that reads like the phrase leave,
as `profiles.understand` wants them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Rows, Vectors

N_NEAREST = 200
# From the level of two items that have nothing in common (0) to the same text (1), what is nearest must reach this.
# On The Complete Journey, half-whitened: `alcohol` .41, `cleaning` .62; `i am bored` .28, `junk food` .37; with 1,500
# of its texts `alcohol` .39, `beer` .38, `junk food` .35.
CLEAR = 0.38
# What lies within this share of the way to the nearest reads like the phrase.
NEAR = 0.6
# Of different texts that read like the phrase, so much lies in the first facet of a clear answer, and in each told.
FIRST_SHARE = 0.4
LEAST_SHARE = 0.1
# One text may read like anything.
LEAST_TEXTS = 2
# A facet is looked at through at most this many of its items, evenly spread.
SAMPLE = 256
Floats = NDArray[np.float64]


def facets_like(vectors: Vectors, catalogue: Catalogue, space: ItemSpace) -> list[list[tuple[str, float]]]:
    """(Q, D) phrases in the space of the items (`ItemSpace.project`) -> of each, (facet, share of it that reads so).

    Facets are steps of categories; an attribute is meant only by its name.

    Facets that hold most of what reads like the phrase come first. Empty where nothing reads like it or where that is
    spread over many facets.
    """
    if not len(vectors) or not catalogue.n_rows:
        return [[] for _ in vectors]
    facets = catalogue.item_facets
    rows, cosines = space.search(vectors, N_NEAREST)
    level = level_of(space, len(facets))
    return [_like(*one, facets, catalogue, space, level) for one in zip(vectors, rows, cosines, strict=True)]


def level_of(space: ItemSpace, n_rows: int) -> float:
    """The mean cosine of two items: 0 in a half-whitened space, and about .3 in a raw one."""
    known = _known(space.vectors(_spread(np.arange(n_rows, dtype=np.int32))))
    n = len(known)
    if n < 2:
        return 0.0
    total = float((known.sum(axis=0, dtype=np.float64) ** 2).sum())
    return max(0.0, (total - n) / (n * (n - 1)))


def _like(
    vector: Vectors, rows: Rows, cosines: Vectors, facets: Rows, catalogue: Catalogue, space: ItemSpace, level: float
) -> list[tuple[str, float]]:
    rows, cosines = rows[(rows >= 0) & (rows < len(facets))], cosines[(rows >= 0) & (rows < len(facets))]
    if not len(rows) or cosines[0] < level + CLEAR * (1 - level):
        return []
    bar = level + NEAR * (float(cosines[0]) - level)
    near = cosines >= bar
    held = _held(facets[rows[near]], cosines[near], len(catalogue.facets))
    held *= catalogue.tree.depths[: len(held)] > 0  # what is sold by the carton says nothing about cartons
    some = [facet for facet in np.argsort(-held, kind="stable").tolist() if held[facet] >= LEAST_SHARE]
    shares = {facet: _share(vector, _carrying(facets, facet), space, bar) for facet in some}
    told = [(facet, share) for facet, share in shares.items() if share > 0.5]
    if not told or held[told[0][0]] < FIRST_SHARE:
        return []
    return [(catalogue.facets[facet], share) for facet, share in told]


def _held(facets: Rows, cosines: Vectors, n_facets: int) -> Floats:
    """(F,) the share of different texts that carry each facet; equal texts have equal cosines, and count once."""
    _, first = np.unique(np.round(cosines, 5), return_index=True)
    carried = facets[first]
    n_texts = np.bincount(carried[carried >= 0], minlength=n_facets)
    return np.where(n_texts >= LEAST_TEXTS, n_texts, 0) / len(first)


def _share(vector: Vectors, rows: Rows, space: ItemSpace, bar: float) -> float:
    known = _known(space.vectors(_spread(rows)))
    return float(np.mean(known @ vector >= bar)) if len(known) else 0.0


def _carrying(facets: Rows, facet: int) -> Rows:
    return np.flatnonzero((facets == facet).any(axis=1)).astype(np.int32)


def _spread(rows: Rows) -> Rows:
    return rows[:: max(1, len(rows) // SAMPLE)]


def _known(vectors: Vectors) -> Vectors:
    return vectors[np.isfinite(vectors).all(axis=1)]
