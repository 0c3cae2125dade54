"""Which source stands behind an item, and what its place is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Log odds below this change no place that anybody would notice.
LEAST = 0.005


def leading(parts: NDArray[np.float32]) -> NDArray[np.int64]:
    """(S, N) what each source adds -> (N,) number of the source that adds most; the first of equals."""
    numbers: NDArray[np.int64] = parts.argmax(axis=0)
    return numbers


def shares_of(sources: Sequence[str], parts: NDArray[np.float32]) -> dict[str, float]:
    """(S,) what each source adds to one item -> shares of the score, in order of size, without the silent ones."""
    total = float(parts.sum())
    order = np.argsort(-parts, kind="stable")
    return {sources[number]: round(float(parts[number]) / total, 4) for number in order if parts[number] > 0}


def odds_of(themes: Sequence[str], parts: NDArray[np.float32]) -> dict[str, float]:
    """(F,) what each feature adds to one item -> log odds by theme, the strongest first, for and against it."""
    sums: dict[str, float] = {}
    for theme, part in zip(themes, parts.tolist(), strict=True):
        sums[theme] = sums.get(theme, 0.0) + part
    kept = {theme: round(value, 4) for theme, value in sums.items() if abs(value) >= LEAST}
    return dict(sorted(kept.items(), key=lambda pair: -abs(pair[1])))
