"""The tallies of a user's items as arrays, decayed to one moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.profiles.decay import HalfLives, fade
from app.profiles.state import Tally

Floats = NDArray[np.float64]


class Sums(NamedTuple):
    """(N,) sums of w * 2 ** -(age / half-life) at one moment; `negative` by the long half-life."""

    long: Floats
    short: Floats
    negative: Floats


def last_at(tallies: Sequence[Tally]) -> Floats:
    return np.array([tally.last_at for tally in tallies])


def sums_at(tallies: Sequence[Tally], at: float, half_lives: HalfLives) -> Sums:
    """`at` in seconds since 1970."""
    age = at - last_at(tallies)
    long = fade(age, half_lives.long_days)
    return Sums(
        long * np.array([tally.long for tally in tallies]),
        fade(age, half_lives.short_days) * np.array([tally.short for tally in tallies]),
        long * np.array([tally.negative for tally in tallies]),
    )
