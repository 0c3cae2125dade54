"""Learning without the log: each client adds up its own behaviours, and only the sums leave it.

A = S'S and C = S'T of `slit` and `text_map` are sums over lessons, so those of all clients add up to what a fit over
the whole log would compute:

client: own log -> slit_sums / map_sums -> clipped -> noised     server: added -> solve_slit / solve_map

The server sees each client's sums. Clipped and noised they are differentially private by themselves (`epsilon_of`);
without noise they tell much of a log, since nothing here adds them up in secret (no secure aggregation).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log as ln
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Vectors
from app.domain.matrices import ridge, solve
from app.retrieval import slit
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.retrieval.item_to_item import strongest
from app.retrieval.sequences import lessons, sparse_of
from app.retrieval.text_map import Sums, gram_of, placed


@dataclass(frozen=True, slots=True)
class Noise:
    """What a client does before it sends: its sums are at most `bound` long (Frobenius, A and C together), and each
    number gets normal noise of standard deviation `multiplier` times `bound`.
    """

    bound: float
    multiplier: float = 0.0


def slit_sums(log: Log, vocabulary: Sequence[str], by_line: bool = False) -> Sums:
    """A and C (P, P) of one client's log over the items of a vocabulary that the server names."""
    own, place_of = _over(log, vocabulary)
    n = len(vocabulary)
    sums = Sums.empty(n)
    for pasts, nexts in lessons(own, place_of, n, by_line=by_line):
        exact = pasts.astype(np.float64)
        ones = np.ones(len(nexts), dtype=np.float32)
        sums.before += (exact.T @ exact).toarray()
        sums.between += (exact.T @ sparse_of(np.arange(len(nexts)), nexts, ones, (len(nexts), n))).toarray()
    return sums


def map_sums(log: Log, vocabulary: Sequence[str], vectors: Vectors) -> Sums:
    """A and C (D + 1, D + 1) of one client's log; `vectors` (P, D) of the vocabulary, NaN where an item has none."""
    own, place_of = _over(log, vocabulary)
    places, texts = placed(vectors)
    known = np.where(place_of >= 0, places[np.maximum(place_of, 0)], -1).astype(np.int32)
    return Sums.of(own, known, texts, np.ones(len(own.at), dtype=np.bool_))


def prepared(sums: Sums, noise: Noise, rng: np.random.Generator) -> Sums:
    """As a client may send it."""
    return noised(clipped(sums, noise.bound), noise, rng)


def clipped(sums: Sums, bound: float) -> Sums:
    length = sqrt(float((sums.before**2).sum() + (sums.between**2).sum()))
    factor = min(1.0, bound / length) if length > 0 else 1.0
    return Sums(sums.before * factor, sums.between * factor)


def noised(sums: Sums, noise: Noise, rng: np.random.Generator) -> Sums:
    """`rng` must be one that nobody else can repeat: seeded by the system, not by a number."""
    scale = noise.bound * noise.multiplier
    before, between = (part + rng.normal(0.0, scale, part.shape) for part in (sums.before, sums.between))
    return Sums(before, between)


def epsilon_of(multiplier: float, delta: float) -> float:
    """What one client's message tells of its log, whichever that is: any two clipped logs lie 2 `bound` apart at most.

    From zero-concentrated privacy, rho = 2 / multiplier^2 (Bun and Steinke, TCC 2016): rho + 2 sqrt(rho ln(1 / delta)).
    """
    rho = 2.0 / multiplier**2
    return rho + 2.0 * sqrt(rho * ln(1.0 / delta))


def added(parts: Iterable[Sums]) -> Sums:
    """What the server does with the clients' sums; at least one."""
    first, *others = parts
    total = Sums(first.before.copy(), first.between.copy())
    for part in others:
        total += part
    return total


def solve_slit(sums: Sums, vocabulary: Sequence[str], lam: float = slit.LAM) -> Arrays:
    """As `slit.fit` gives them for the items of the vocabulary."""
    before, between = (np.asfortranarray(part, dtype=np.float32) for part in (positive(sums.before), sums.between))
    n = len(vocabulary)
    return strongest(solve(ridge(before, lam), between), np.arange(n), n, slit.N_NEIGHBOURS)


def solve_map(sums: Sums, vectors: Vectors) -> NDArray[np.float64]:
    """(D + 1, D + 1) as `map` of `text_map.fit`; `vectors` as in `map_sums`."""
    return Sums(positive(sums.before), sums.between).solve(gram_of(placed(vectors)[1]))


def positive(symmetric: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest matrix that could be S'S: noise makes it neither symmetric nor positive."""
    even = (symmetric + symmetric.T) / 2
    values, vectors = np.linalg.eigh(even)
    return even if values[0] >= 0 else np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def _over(log: Log, vocabulary: Sequence[str]) -> tuple[Log, NDArray[np.int32]]:
    """What speaks for an item, and where each item stands in the vocabulary, -1 outside."""
    number_of = {item_id: number for number, item_id in enumerate(vocabulary)}
    place_of = np.array([number_of.get(item_id, -1) for item_id in log.item_ids], dtype=np.int32)
    return log.wanted(), place_of
