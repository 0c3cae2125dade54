"""The best few of many, always in the same order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows
from app.retrieval.base import NOTHING, Floats, Scored, Word, silent

# A cosine that is .06 higher doubles the chance: half-whitened neighbours lie between .3 and .9.
SHARPNESS = 12.0


def best_of(rows: Rows, scores: Floats, n: int, of: Word = silent) -> Scored:
    """The `n` best, best first; equal scores in order of row."""
    if not len(rows):
        return NOTHING
    if len(rows) > n:
        # Whatever ties with the n-th stays in, so that the row decides and not the partition.
        keep = scores >= np.partition(scores, len(scores) - n)[len(scores) - n]
        rows, scores = rows[keep], scores[keep]
    order = np.lexsort((rows, -scores))[:n]
    return Scored(rows[order], scores[order], of)


def best_of_each(rows: Rows, scores: Floats, n: int, of: Word = silent) -> Scored:
    """As `best_of`, where a row may come several times and its best score counts; rows of -1 are nobody."""
    order = np.lexsort((-scores, rows))
    rows, scores = rows[order], scores[order]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = rows[1:] != rows[:-1]
    first &= (rows >= 0) & np.isfinite(scores)
    return best_of(rows[first], scores[first], n, of)


def only(rows: Rows, scores: Floats, else_: float = 0.0) -> Word:
    """The word of a source that knows these (N,) distinct rows, and says `else_` of all others."""
    order = np.argsort(rows)
    known, values = rows[order], scores[order].astype(np.float32)

    def of(asked: Rows) -> Floats:
        place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        return np.where(known[place] == asked, values[place], np.float32(else_))

    return of if len(known) else silent


def shares(scored: Scored, power: float = 1.0, confidence: float = 1.0) -> Scored:
    """Scores >= 0 as chances that add up to `confidence`; a power above 1 trusts the best of them more."""
    votes = scored.scores.astype(np.float64) ** power
    total = float(votes.sum())
    if total <= 0:
        return NOTHING
    scale = confidence / total
    return Scored(
        scored.rows,
        (votes * scale).astype(np.float32),
        lambda rows: (scored.of(rows).astype(np.float64) ** power * scale).astype(np.float32),
    )


def softmax(scored: Scored, confidence: float = 1.0) -> Scored:
    """Cosines, best first, as chances that add up to `confidence`."""
    if not len(scored.rows):
        return NOTHING
    best = scored.scores[0]

    def sharp(cosines: Floats) -> Floats:
        return np.asarray(np.exp(SHARPNESS * (cosines - best)))

    return shares(Scored(scored.rows, sharp(scored.scores), lambda rows: sharp(scored.of(rows))), 1.0, confidence)


def first_allowed(order: Rows, allowed: Mask, n: int) -> NDArray[np.int64]:
    """Places in `order` of the first `n` allowed rows; reads no further than it must."""
    found: list[NDArray[np.int64]] = []
    n_found, start, step = 0, 0, 4 * n
    while n_found < n and start < len(order):
        places = start + np.flatnonzero(allowed[order[start : start + step]])
        found.append(places[: n - n_found])
        n_found += len(found[-1])
        start, step = start + step, 2 * step
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)
