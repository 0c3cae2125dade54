"""One list out of many: the chance of an item is the weighted sum of the chances that the sources give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.domain.catalogue import Rows
from app.retrieval.base import WEIGHTS, Floats, Scored


class Fused(NamedTuple):
    """N candidates, best first, from S sources: `scores` (N,) and what makes them.

    `chances` (S, N) is each source's word on every candidate, NaN where it cannot say; `parts` (S, N) is what it
    adds to the score of the mixture, 0 where it is silent. `table` (N, F) are the features that a
    ranker ordered them by, `lift` (N,) what was added to that by wish, in log odds.
    """

    rows: Rows
    scores: Floats
    parts: Floats
    chances: Floats
    sources: tuple[str, ...]
    table: Floats | None = None
    lift: Floats | None = None


def fuse(lists: Sequence[tuple[str, Scored]], weights: Mapping[str, float] = WEIGHTS) -> Fused:
    """Equal scores in order of row; a source without a weight counts once."""
    sources = tuple(source for source, _ in lists)
    rows = np.unique(np.concatenate([np.empty(0, dtype=np.int32), *(scored.rows for _, scored in lists)]))
    chances = np.empty((len(lists), len(rows)), dtype=np.float32)
    for number, (_, scored) in enumerate(lists):
        chances[number] = scored.of(rows)
        chances[number, np.searchsorted(rows, scored.rows)] = scored.scores
    weight = np.array([weights.get(source, 1.0) for source in sources], dtype=np.float32)
    parts = np.nan_to_num(chances, nan=0.0) * weight[:, None]
    scores = parts.sum(axis=0)
    order = np.argsort(-scores, kind="stable")
    return Fused(rows[order].astype(np.int32), scores[order], parts[:, order], chances[:, order], sources)
