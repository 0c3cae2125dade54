"""How belief fades: by half every half-life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class HalfLives:
    """In days: `long_days` is what a person is like, `short_days` what they are after just now."""

    long_days: float = 90.0
    short_days: float = 7.0


@overload
def fade(age_s: float, half_life_days: float) -> float: ...
@overload
def fade(age_s: NDArray[np.float64], half_life_days: float) -> NDArray[np.float64]: ...
def fade(age_s: float | NDArray[np.float64], half_life_days: float) -> float | NDArray[np.float64]:
    """What is left after `age_s` seconds of something that was 1: 2 ** -(age / half-life)."""
    halvings = -age_s / (half_life_days * DAY_S)
    if isinstance(halvings, float):
        return float(2.0**halvings)
    result: NDArray[np.float64] = np.exp2(halvings)
    return result
