"""A user's history as weights on items: what every competitor reads."""

from __future__ import annotations

import math

import numpy as np

from app.domain.catalogue import Rows
from app.evaluation.events import Floats

# what is cut off holds a hundredth of the newest item's weight, and of all weights together
_CUT = math.log(100.0)


def reach(tau: float | None) -> int | None:
    """How many items back a decayed past goes; None is all the way."""
    return None if tau is None else max(1, math.ceil(tau * _CUT))


def fading(n: int, tau: float | None) -> Floats:
    """(n,) weights of places 0 (newest), 1, ...: exp(-place / tau)."""
    places = np.arange(n, dtype=np.float32)
    return np.ones(n, dtype=np.float32) if tau is None else np.exp(-places / np.float32(tau))


def each_once(items: Rows, tau: float | None) -> tuple[Rows, Floats]:
    """(T,) items, oldest first -> the distinct ones, newest first, with their weights."""
    _, first = np.unique(items[::-1], return_index=True)
    newest_first = items[::-1][np.sort(first)][: reach(tau)]
    return newest_first, fading(len(newest_first), tau)
