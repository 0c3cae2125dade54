"""A log cut into stretches that are worth a look: sessions at first, days and weeks when there is much of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from app.domain.behavior import Interaction
from app.domain.history import EditMark
from app.profiles.decay import DAY_S

# A pause of so many seconds ends a session.
PAUSE_S = 1_800.0
# A stretch holds about a 20th of what came before it, and lasts about a 25th of the time, so their number grows with
# the logarithm of both: about 20 * ln(1 + n / 20), 110 for 5,000 behaviours.
N_SHARE = 20
AGE_SHARE = 25


class Mark(NamedTuple):
    """A moment at which something else than a behaviour changed the profile; `seq` is its place in the log."""

    at: float
    seq: int
    edit: EditMark


class Span(NamedTuple):
    """Interactions in order of time up to `at` (seconds since 1970); none where `mark` is what happened."""

    at: float
    rows: Sequence[Interaction]
    mark: Mark | None = None


def spans_of(rows: Iterable[Interaction], marks: Sequence[Mark], start: float | None = None) -> Iterator[Span]:
    """`rows` in order of time; `start` is when the look begins, None for the first of them.

    What comes later moves no cut but the last one. Rows of one instant stay together.
    """
    waiting = sorted(marks, key=lambda mark: (mark.at, mark.seq))
    n, span = 0, list[Interaction]()
    for row in rows:
        start = row.at if start is None else start
        crossed = [mark for mark in waiting if mark.at < row.at]
        if span and (crossed or _ends(span, row.at, n, start)):
            yield Span(span[-1].at, span)
            n, span = n + len(span), []
        yield from (Span(mark.at, (), mark) for mark in crossed)
        del waiting[: len(crossed)]
        span.append(row)
    if span:
        yield Span(span[-1].at, span)
    yield from (Span(mark.at, (), mark) for mark in waiting)


def _ends(span: Sequence[Interaction], at: float, n_before: int, start: float) -> bool:
    """Whether the next one, at `at`, begins another stretch."""
    pause = at - span[-1].at
    if pause <= 0:
        return False
    enough = 1 + n_before // N_SHARE
    if pause < PAUSE_S:
        return len(span) >= 2 * enough
    return len(span) >= enough or at - span[0].at >= max(DAY_S, (span[0].at - start) / AGE_SHARE)
