"""How far each source is trusted before any feature is looked at: the most likely mixture of their chances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.ranking.ranker import Lessons
from app.retrieval.base import WEIGHTS
from app.retrieval.features import LEAST, NAMES, SOURCES

N_ROUNDS = 200
# Beside the sources stands one that knows nothing, for what none of them saw coming.
NOBODY = 1e-4
# A source keeps so much even where the log speaks against it: what it finds is then still a candidate.
LEAST_WEIGHT = 0.01
# What no log can teach: a wish in words, and items that nobody has met.
UNTAUGHT = ("statement", "fresh")


def mixture_of(lessons: Lessons) -> dict[str, float]:
    """Expectation maximisation over what was chosen; the untaught sources keep their weight."""
    first = np.concatenate([[0], np.cumsum(lessons.sizes)[:-1]])
    chances = _chances(lessons.features)[first + lessons.chosen]
    taught = [number for number, source in enumerate(SOURCES) if source not in UNTAUGHT]
    chances = np.column_stack([chances[:, taught], np.full(len(chances), NOBODY)])
    weights = np.full(chances.shape[1], 1 / chances.shape[1])
    for _ in range(N_ROUNDS):
        parts = weights * chances
        weights = (parts / parts.sum(axis=1, keepdims=True)).mean(axis=0)
    learned = {
        SOURCES[number]: max(float(weight), LEAST_WEIGHT) for number, weight in zip(taught, weights, strict=False)
    }
    return learned | {source: WEIGHTS[source] for source in UNTAUGHT}


def mixed(table: NDArray[np.float32], weights: Mapping[str, float]) -> NDArray[np.float32]:
    """(N, F) the same features with the mixture that these weights make."""
    result = table.copy()
    share = _chances(table) @ np.array([weights.get(source, 0.0) for source in SOURCES])
    result[:, NAMES.index("mixture")] = np.log(np.maximum(share, LEAST))
    return result


def _chances(table: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, S), 0 where a source is silent."""
    chances = np.exp(np.nan_to_num(table[:, : len(SOURCES)], nan=-np.inf).astype(np.float64))
    return np.where(chances > 1.01 * LEAST, chances, 0.0)
