"""Which source stands behind an item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def leading(parts: NDArray[np.float32]) -> NDArray[np.int64]:
    """(S, N) what each source adds -> (N,) number of the source that adds most; the first of equals."""
    numbers: NDArray[np.int64] = parts.argmax(axis=0)
    return numbers


def contributions(sources: Sequence[str], parts: NDArray[np.float32]) -> dict[str, float]:
    """(S,) what each source adds to one item -> shares of the score, in order of size, without the silent ones."""
    total = float(parts.sum())
    order = np.argsort(-parts, kind="stable")
    return {sources[number]: round(float(parts[number]) / total, 4) for number in order if parts[number] > 0}
