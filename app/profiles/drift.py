"""Whether a user is turning to something else: the latest interactions beside those before, in categories.

The distance is the Jensen-Shannon divergence (Lin 1991), and what is much of it is told by the user's own past: how far
equally many interactions in a row used to lie from the rest. Who always wanders is not drifting, whoever never did is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.item import label_of
from app.domain.profile import Drift
from app.profiles.attention import facet_name
from app.profiles.leaves import leaves_of
from app.profiles.state import State
from app.profiles.sums import Floats

# So many interactions are looked at, and of them the latest so many may be the turn.
N_LOOKED_AT = 120
WINDOWS = (5, 10, 20)
# The past holds at least this many times a window.
LEAST_BEFORE = 2
# How much a user wanders is believed to be .2 / sqrt(n) with the weight of so many windows of n interactions.
N_PRIOR = 4.0
PRIOR_SPREAD = 0.2
# Spreads above the mean of the user's own past from which on it is a turn, and from which on a certain one. Of drawn
# steady users at most 3.5 % pass for turning (10 % where they come in bouts of one category); of 600 real ones whose
# past was shuffled 1.2 % (groceries), none (films) and 2.1 % (interactive fiction). A turn to what a user held little
# of is seen after 5 interactions by 70 % or more where tastes are narrow, after 10 by nearly all.
TURNING, CERTAIN = 3.0, 6.0
# ... and bits: a smaller turn is none that anybody would notice.
LEAST_BITS = 0.2
# The latest are mixed with so many interactions like all: few of them prove little.
SHRINK = 1.0
# How much of the attention must have moved to a category, or away from it, to name it.
NAMED = 0.1
N_NAMED = 2


class _Turn(NamedTuple):
    strength: float
    n: int


class _Past(NamedTuple):
    """The latest interactions, oldest first: (T,) times and (T, F) shares of their categories."""

    at: Floats
    held: Floats
    facets: NDArray[np.int64]


def drift_of(state: State, catalogue: Catalogue, space: ItemSpace) -> Drift | None:
    """None for who is steady, or too new to tell."""
    past = _past(state, catalogue, space)
    turn = _turn(past)
    if turn.strength <= 0:
        return None
    moved = past.held[-turn.n :].mean(axis=0) - past.held[: -turn.n].mean(axis=0)

    def most(gain: Floats) -> tuple[str, ...]:
        order = np.argsort(-gain, kind="stable")[:N_NAMED].tolist()
        return tuple(facet_name(catalogue, space, int(past.facets[place])) for place in order if gain[place] >= NAMED)

    left, taken_up = most(-moved), most(moved)
    return Drift(
        score=turn.strength,
        since_at=datetime.fromtimestamp(float(past.at[-turn.n]), UTC),
        from_facets=left,
        to_facets=taken_up,
        from_labels=tuple(label_of(facet) for facet in left),
        to_labels=tuple(label_of(facet) for facet in taken_up),
    )


def turn_of(state: State, catalogue: Catalogue, space: ItemSpace) -> float:
    """`Drift.score`, 0 for who is steady."""
    return _turn(_past(state, catalogue, space)).strength


def _past(state: State, catalogue: Catalogue, space: ItemSpace) -> _Past:
    liked = [one for one in state.recent if one.weight > 0][:N_LOOKED_AT][::-1]
    rows = catalogue.rows(one.item_id for one in liked)
    leaves = leaves_of(catalogue, rows)
    places, numbers, shares = leaves.places, leaves.facets, leaves.shares
    lonely = np.setdiff1d(np.flatnonzero(rows >= 0), places)
    if lonely.size:  # an item without a category stands in its interest cluster
        clusters = space.clusters(rows[lonely]).astype(np.int64)
        has = clusters >= 0
        places = np.concatenate([places, lonely[has]])
        numbers = np.concatenate([numbers, clusters[has] + len(catalogue.facets)])
        shares = np.concatenate([shares, np.ones(int(has.sum()))])
    facets, columns = np.unique(numbers, return_inverse=True)
    known, lines = np.unique(places, return_inverse=True)
    held = np.zeros((len(known), len(facets)))
    held[lines, columns] = shares
    at = np.array([one.at for one in liked])
    return _Past(at[known] if len(known) else np.empty(0), held, facets)


def _turn(past: _Past) -> _Turn:
    """The most certain one of those that the windows show."""
    sums = np.concatenate([np.zeros((1, past.held.shape[1])), past.held.cumsum(axis=0)])
    turns = [_Turn(_strength(sums, n), n) for n in WINDOWS]
    return max(turns, key=lambda turn: turn.strength)


def _strength(sums: Floats, n: int) -> float:
    """How certain it is that the latest `n` are a turn, 0 to 1. `sums` (T + 1, F) are those of the T interactions."""
    n_before = len(sums) - 1 - n
    if n_before < LEAST_BEFORE * n:
        return 0.0
    bits = float(_bits(sums, np.array([n_before]), n)[0])
    if bits < LEAST_BITS:
        return 0.0
    usual = _bits(sums[: n_before + 1], np.arange(0, n_before - n + 1, max(n // 2, 1)), n)
    mean, spread = _expected(usual, n_before / n, PRIOR_SPREAD / n**0.5)
    return float(np.clip((bits - mean - TURNING * spread) / ((CERTAIN - TURNING) * spread), 0.0, 1.0))


def _expected(usual: Floats, n_windows: float, prior: float) -> tuple[float, float]:
    """Mean and spread of the user's own windows; a short past may look steadier than the user is."""
    mean = float(usual.mean())
    variance = (n_windows * float(usual.var()) + N_PRIOR * prior**2) / (n_windows + N_PRIOR)
    return mean, float(np.sqrt(variance * (1.0 + 2.0 / n_windows)))


def _bits(sums: Floats, starts: NDArray[np.int64], n: int) -> Floats:
    """(S,) Jensen-Shannon divergence, in bits, between `n` interactions in a row from each start and all the others."""
    n_all = len(sums) - 1
    window = sums[starts + n] - sums[starts]
    others = (sums[-1] - window) / (n_all - n)
    window = (window + SHRINK * sums[-1] / n_all) / (n + SHRINK)
    middle = (window + others) / 2
    return np.asarray((_entropy(middle) - (_entropy(window) + _entropy(others)) / 2) / np.log(2))


def _entropy(shares: Floats) -> Floats:
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1))
