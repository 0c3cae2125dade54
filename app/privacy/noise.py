"""Counts that may be published: each user-day counts a bounded number of times, and noise hides every one of them.

Differential privacy with a day of a user as its unit: whether all that somebody did on one day is in the log or not
changes the chance of any answer by a factor of exp(epsilon) at most. OpenDP draws the noise from the system's own
generator: a seed would let it be taken off again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import Misconfigured

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`most` units a user-day enters with, one a key; `epsilon` is what the release costs each user-day."""

    epsilon: float
    most: int


def bounded(users: Numbers, days: Numbers, keys: Numbers, most: int) -> NDArray[np.int64]:
    """Places of what counts among (N,) lines in order of time: of each user and day the first line of each of the
    first `most` keys. One user-day more or less changes the counts by `most` in sum.
    """
    lines = np.stack([users, days, keys])
    _, first = np.unique(lines, axis=1, return_index=True)
    first.sort()
    order = first[np.lexsort((first, days[first], users[first]))]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (np.diff(users[order]) != 0) | (np.diff(days[order]) != 0)
    begin = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    return np.sort(order[np.arange(len(order)) - begin < most])


def count(days: Numbers, keys: Numbers, shape: tuple[int, int]) -> Numbers:
    """(days, keys) how many of the lines fall to each day and key."""
    return np.bincount(days * shape[1] + keys, minlength=shape[0] * shape[1]).reshape(shape)


def noised(counts: Numbers, bounds: Bounds) -> tuple[Numbers, float]:
    """The counts with noise of the discrete Laplace (geometric) distribution, and its scale; some become negative.

    `counts` must hold every key that could have been counted, those with 0 too: which of them are there would tell.
    Raises `Misconfigured` without OpenDP.
    """
    dp = _opendp()
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    scale = dp.binary_search_param(
        lambda scale: dp.m.make_laplace(*space, scale), d_in=bounds.most, d_out=bounds.epsilon, T=float
    )
    release = dp.m.make_laplace(*space, scale)(counts.ravel().tolist())
    return np.array(release, dtype=np.int64).reshape(counts.shape), float(scale)


def require_noise() -> None:
    """Raises `Misconfigured` without OpenDP: to be known before any budget is spent."""
    _opendp()


def _opendp() -> Any:
    try:
        import opendp.prelude as dp
    except ImportError:
        raise Misconfigured(
            "Releases with differential privacy need OpenDP.", "Install it: pip install 'portrait[privacy]'."
        ) from None
    dp.enable_features("contrib")
    return dp
