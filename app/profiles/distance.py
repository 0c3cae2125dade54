"""How far two states of one log are apart: folding in other batches may move the last digit."""

from __future__ import annotations

from math import inf, isnan
from typing import Any

import msgspec

from app.profiles.state import State

# What rebuilding may differ by from what is kept.
CLOSE = 1e-9


def distance(one: State, other: State) -> float:
    """The largest difference of two numbers, relative above 1; infinite where anything else differs."""
    return _apart(msgspec.to_builtins(one), msgspec.to_builtins(other))


def _apart(one: Any, other: Any) -> float:
    if isinstance(one, float) and isinstance(other, float):
        apart = abs(one - other) / max(1.0, abs(one), abs(other))
        return inf if isnan(apart) else apart
    if isinstance(one, dict) and isinstance(other, dict):
        same = one.keys() == other.keys()
        return max((_apart(one[key], other[key]) for key in one), default=0.0) if same else inf
    if isinstance(one, list) and isinstance(other, list):
        same = len(one) == len(other)
        return max((_apart(*pair) for pair in zip(one, other, strict=True)), default=0.0) if same else inf
    return 0.0 if one == other else inf
