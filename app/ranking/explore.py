"""Places that are drawn, so that something is learned of what nobody would have been shown.

A Plackett-Luce draw: each next one with a chance in proportion to its weight among what is left. The chances are kept
with the slate, so that whoever learns from it can weigh what was shown by how likely it was (Horvitz and Thompson,
1952).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

# Scores differ by powers of ten; their square root draws the last of 200 candidates now and then too.
FLATNESS = 0.5
# No candidate has less than this share of an even chance: a propensity near 0 makes a weight beyond use.
LEAST = 0.1

Floats = NDArray[np.float64]


def n_explored(share: float, limit: int) -> int:
    """At least one place where anything is to be explored."""
    return min(limit, max(1, round(share * limit))) if share > 0 else 0


def weights_of(scores: NDArray[np.floating]) -> Floats:
    """(N,) scores >= 0 -> (N,) weights that sum to 1."""
    flat = np.maximum(np.asarray(scores, dtype=np.float64), 0.0) ** FLATNESS
    total = float(flat.sum())
    even = 1.0 / max(len(flat), 1)
    return (1 - LEAST) * flat / total + LEAST * even if total > 0 else np.full(len(flat), even)


def draws(weights: Floats, seed: str, admits: Callable[[int], bool]) -> Iterator[tuple[int, float]]:
    """Places among (N,) `weights` > 0, one after the other, each with the chance of being drawn just then.

    The same `seed` draws the same. `admits` is asked before each draw which places may still be drawn; what it refuses
    once stays out. Of all that may be drawn at one time the chances sum to 1.
    """
    arrivals = _arrivals(weights, seed)
    left = np.arange(len(weights))
    while True:
        left = np.array([place for place in left.tolist() if admits(place)], dtype=np.int64)
        if not len(left):
            return
        place = int(left[arrivals[left].argmin()])
        yield place, float(weights[place] / weights[left].sum())
        left = left[left != place]


def _arrivals(weights: Floats, seed: str) -> Floats:
    """(N,) exponential times with these rates: who comes first is drawn first. The Gumbel trick without logarithms."""
    key = int.from_bytes(blake2b(seed.encode(), digest_size=16).digest())
    times: Floats = np.random.default_rng(key).standard_exponential(len(weights)) / weights
    return times
