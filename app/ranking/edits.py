"""What a person asked for by hand, done to a slate: never, less, more, and first.

Learned scores are kept in order among themselves; a rule moves all it speaks of by one factor, and how far that is
follows from the slate: no factor is right for the scores of every user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows
from app.domain.recommendation import Reason
from app.ranking.filters import Filtered
from app.ranking.targets import Touch

Floats = NDArray[np.float32]
Places = NDArray[np.signedinteger[Any]]

THEME = "what you asked for"
CODE = "asked"
# `more` is half as many places again and two at least, but never more than two thirds of a slate; `less` is half.
AGAIN, AT_LEAST, MOST = 1.5, 2, 2 / 3
# What a rule moves it moves by so much at least.
FACTOR = 1.5
# A moved score passes the one that it has to pass by this much.
PAST = 1.05
_TINY = 1e-12
# At least one of a pinned facet is among so many.
AMONG_FIRST = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """The rules in force, newest first, with their rows."""

    touches: tuple[Touch, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.touches)

    def by(self, *actions: str, kind: str = "") -> tuple[Touch, ...]:
        return tuple(one for one in self.touches if one.rule.action in actions and kind in ("", one.rule.kind))

    @property
    def wanted(self) -> tuple[Touch, ...]:
        """What must have candidates."""
        return self.by("more", "pin")


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class Bound:
    """Of N candidates the `members` (N,), by place, and how many of them a slate holds at least and at most."""

    members: Mask
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Weighed:
    """`factors` (N,) on the scores of the candidates, and the bounds of a slate, newest rule first."""

    factors: Floats
    bounds: tuple[Bound, ...]


def without_never(filtered: Filtered, asked: Asked) -> Filtered:
    """Absolute: it comes before every score."""
    allowed, before = filtered.allowed, int(filtered.allowed.sum())
    for touch in asked.by("never"):
        allowed[touch.rows[touch.rows < len(allowed)]] = False
    n = before - int(allowed.sum())
    return Filtered(allowed, filtered.dropped | ({"never": n} if n else {}))


def weigh(rows: Rows, scores: Floats, natural: Places, asked: Asked) -> Weighed:
    """(N,) candidates with their scores, best first, and the (k,) places of the slate as it was without edits."""
    factors = np.ones(len(rows))
    bounds: list[Bound] = []
    # Less first: what is asked for lastly finds the places that others leave.
    for touch in reversed([*_wanted_more(asked), *asked.by("less")]):
        members = np.isin(rows, touch.rows)
        n, k = int(members[natural].sum()), len(natural)
        if touch.rule.action == "less":
            bound = Bound(members, 0, n // 2)
            factors *= np.where(members, _lowered(scores * factors, bound, k), 1.0)
        else:
            bound = Bound(members, min(target(n, k), int(members.sum())), max(n, int(MOST * k)))
            factors *= np.where(members, _raised(scores * factors, bound, k), 1.0)
        bounds.insert(0, bound)
    return Weighed(factors.astype(np.float32), tuple(bounds))


def _wanted_more(asked: Asked) -> tuple[Touch, ...]:
    """A pinned item has its place; a pinned facet is one of which there should be more."""
    return tuple(one for one in asked.wanted if one.rule.action == "more" or one.rule.kind == "facet")


def target(n: int, k: int) -> int:
    """How many places of k a facet with n gets when more of it is asked for."""
    return max(n, min(max(ceil(AGAIN * n), n + AT_LEAST), int(MOST * k)))


def _raised(scores: NDArray[np.float64], bound: Bound, k: int) -> NDArray[np.float64]:
    """(N,) factors >= 1: the last of `low` members passes what it must pass; none goes above the best of all."""
    mine, others = _sorted(scores[bound.members]), _sorted(scores[~bound.members])
    factor = FACTOR
    if 0 < bound.low <= k and len(others) > k - bound.low:
        factor = max(factor, PAST * float(others[k - bound.low] / mine[bound.low - 1]))
    top = max(float(scores.max(initial=0.0)), _TINY)
    return np.clip(top / np.maximum(scores, _TINY), 1.0, factor)


def _lowered(scores: NDArray[np.float64], bound: Bound, k: int) -> float:
    """A factor < 1: the first member that is too many falls behind the others that the slate has places for."""
    mine, others = _sorted(scores[bound.members]), _sorted(scores[~bound.members])
    factor = 1 / FACTOR
    if len(mine) > bound.high and len(others):
        last = others[min(k - bound.high, len(others)) - 1]
        factor = min(factor, float(last / mine[bound.high]) / PAST)
    return factor


def _sorted(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(np.sort(scores)[::-1], _TINY)


def bounded(places: Places, n: int, bounds: Sequence[Bound]) -> Places:
    """The slate (k,) of N candidates, best first, with what diversity took from the bounds given back."""
    slate = places.tolist()
    for bound in bounds:
        outside = [place for place in range(n) if place not in set(slate)]
        others = [place for place in outside if not bound.members[place]]
        mine = [place for place in outside if bound.members[place]]
        _swap(slate, [place for place in slate if bound.members[place]][bound.high :], others)
        missing = bound.low - sum(bool(bound.members[place]) for place in slate)
        free = [place for place in slate if not any(one.members[place] for one in bounds if one.low)]
        _swap(slate, free[len(free) - max(missing, 0) :] if missing > 0 else [], mine)
    return np.array(slate, dtype=np.int64)


def _swap(slate: list[int], out: Sequence[int], into: Sequence[int]) -> None:
    """The last go first, as far as there is something else; the best takes the foremost of their places."""
    n = min(len(out), len(into))
    for old, new in zip(out[len(out) - n :], into[:n], strict=True):
        slate[slate.index(old)] = new


def first(places: Places, rows: Rows, asked: Asked) -> Places:
    """Pinned items before all others; of each pinned facet one among the first three. As long as before."""
    slate = places.tolist()
    of_row = {row: place for place, row in enumerate(rows.tolist())}
    pinned = [of_row[row] for touch in asked.by("pin", kind="item") for row in touch.rows.tolist() if row in of_row]
    left = [place for place in slate if place not in pinned]
    heads: list[int] = []
    for touch in asked.by("pin", kind="facet"):
        members = set(touch.rows.tolist())
        if any(rows[place] in members for place in [*pinned[:AMONG_FIRST], *heads]):
            continue
        heads += [place for place in left if rows[place] in members][:1]
    n_free = max(AMONG_FIRST - len(pinned), len(heads))
    fill = [place for place in left if place not in heads][: n_free - len(heads)]
    front = sorted([*heads, *fill], key=left.index)
    rest = [place for place in left if place not in front]
    return np.array([*pinned, *front, *rest][: len(slate)], dtype=np.int64)


def reason_of(asked: Asked, row: int) -> Reason | None:
    """Why it is there, when it was asked for; the newest rule speaks."""
    for touch in asked.wanted:
        place = int(np.searchsorted(touch.rows, row))
        if place < len(touch.rows) and touch.rows[place] == row:
            return Reason(CODE, _words(touch), (touch.rule.target,))
    return None


def _words(touch: Touch) -> str:
    label = touch.rule.label
    if touch.rule.action == "pin":
        return f"You asked to see {'this' if touch.rule.kind == 'item' else label} first"
    return f"You asked for more {'of this' if touch.rule.kind == 'item' else label}"


def contributions_of(contributions: dict[str, float], factor: float, is_odds: bool) -> dict[str, float]:
    """What makes a score, with the factor as a theme of its own: log odds, or a share of the whole."""
    if factor == 1:
        return contributions
    if is_odds:
        told = contributions | {THEME: round(float(np.log(factor)), 4)}
        return dict(sorted(told.items(), key=lambda pair: -abs(pair[1])))
    scale = 1 / max(factor, 1.0)
    told = {name: round(share * scale, 4) for name, share in contributions.items()}
    told[THEME] = round(1 - scale if factor > 1 else factor - 1, 4)
    return dict(sorted(told.items(), key=lambda pair: -pair[1]))
