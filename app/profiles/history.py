"""The versions of a profile, read off the log: where it changed, by how much, and which behaviours moved it.

Nothing of it is stored. The same log gives the same history, and what comes later leaves older versions as they are,
but for a turn that is only seen then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import accumulate
from operator import attrgetter

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.history import Change, ChangeKind, Version
from app.domain.profile import Drift, Interest
from app.profiles.causes import Causes
from app.profiles.decay import HalfLives
from app.profiles.drift import drift_of
from app.profiles.fold import fold
from app.profiles.interests import interests_of
from app.profiles.spans import Mark, Span, spans_of
from app.profiles.state import State

# An interest is told from this share of the attention on, and a change of one from half as much again and .05 on.
TOLD_FROM = 0.05
RATIO = 1.5
STEP = 0.05

Lines = tuple[tuple[Interest, ...], tuple[Interest, ...]]
# How a state is read at a moment: interests and avoids.
Read = Callable[[State, float], Lines]


def reader(catalogue: Catalogue, space: ItemSpace, half_lives: HalfLives) -> Read:
    """As the profile is read where nobody changed it by hand."""
    return lambda state, at: interests_of(state, catalogue, space, half_lives, at)


def history_of(
    log: Iterable[Interaction],
    catalogue: Catalogue,
    space: ItemSpace,
    half_lives: HalfLives,
    *,
    read: Read | None = None,
    marks: Sequence[Mark] = (),
    since: float | None = None,
) -> list[Version]:
    """Oldest first; only versions after `since` (seconds since 1970), cut as if the log began there.

    A version is told where something changed; the newest is told in any case.
    """
    rows = sorted((one for one in log if not one.flagged), key=attrgetter("at", "behavior_id"))
    telling = _Telling(
        catalogue, space, half_lives, read or reader(catalogue, space, half_lives), Causes(catalogue, space)
    )
    n_before = 0 if since is None else bisect_right(rows, since, key=attrgetter("at"))
    if n_before:
        telling.begin(rows[:n_before], float(since or 0.0))
    later = [mark for mark in marks if since is None or mark.at > since]
    spans = list(spans_of(rows[n_before:], later, since))
    for span in spans:
        telling.take(span, is_last=span is spans[-1])
    return telling.told(_places([*log_places(log), *((mark.at, mark.seq) for mark in marks)]))


def log_places(log: Iterable[Interaction]) -> Iterable[tuple[float, int]]:
    return ((one.at, one.seq) for one in log)


def _places(moments: Iterable[tuple[float, int]]) -> Callable[[float], int]:
    """The last place in the log among what had happened by a moment."""
    by_time = sorted(moments)
    highest = list(accumulate((seq for _, seq in by_time), max))

    def place(at: float) -> int:
        n = bisect_right(by_time, at, key=lambda one: one[0])
        return highest[n - 1] if n else 0

    return place


@dataclass(slots=True)
class _Telling:
    """The way through the log. `interests` and `avoids` hold what was told last of each facet: (label, weight)."""

    catalogue: Catalogue
    space: ItemSpace
    half_lives: HalfLives
    read: Read
    causes: Causes
    state: State = field(default_factory=State)
    interests: dict[str, tuple[str, float]] = field(default_factory=dict)
    avoids: dict[str, tuple[str, float]] = field(default_factory=dict)
    waiting: list[Interaction] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    drift: Drift | None = None

    def begin(self, rows: Sequence[Interaction], at: float) -> None:
        """What was there before the look begins is known, and no news."""
        self._fold(rows)
        self._compare(at)
        self.drift = drift_of(self.state, self.catalogue, self.space)

    def take(self, span: Span, is_last: bool) -> None:
        self._fold(span.rows)
        self.waiting.extend(span.rows)
        changes = self._compare(span.at)
        if changes or is_last or span.mark:
            at = datetime.fromtimestamp(span.at, UTC)
            caused_by = self.causes.of(changes, self.waiting) if span.mark is None else ()
            edit = span.mark.edit if span.mark else None
            self.versions.append(Version(0, at, len(self.waiting), changes, caused_by, edit=edit))
            self.waiting = []
            self._notice_drift()

    def told(self, place: Callable[[float], int]) -> list[Version]:
        return [replace(one, version=place(one.at.timestamp())) for one in self.versions]

    def _fold(self, rows: Sequence[Interaction]) -> None:
        self.state.seq = 0  # each row comes once, but in order of time, in which places need not ascend
        fold(self.state, rows, self.half_lives)

    def _compare(self, at: float) -> tuple[Change, ...]:
        """What is new beside what was told, the largest first; it is told from now on."""
        interests, avoids = self.read(self.state, at)
        changes = [*_changed(self.interests, interests), *_avoided(self.avoids, avoids)]
        for one in changes:
            told = self.avoids if one.kind in {"avoided", "no_longer_avoided"} else self.interests
            if one.after is None:
                del told[one.facet]
            else:
                told[one.facet] = one.label, one.after
        return tuple(sorted(changes, key=lambda one: (-abs((one.after or 0.0) - (one.before or 0.0)), one.facet)))

    def _notice_drift(self) -> None:
        """A turn belongs to the version in which it began, once, though it is seen some behaviours later."""
        before, self.drift = self.drift, drift_of(self.state, self.catalogue, self.space)
        if self.drift is None or (before and before.to_facets == self.drift.to_facets):
            return
        place = min(bisect_left(self.versions, self.drift.since_at, key=attrgetter("at")), len(self.versions) - 1)
        self.versions[place] = replace(self.versions[place], drift=self.drift)


def _changed(told: dict[str, tuple[str, float]], interests: Sequence[Interest]) -> list[Change]:
    changes = [
        Change(one.facet, one.label, kind, told[one.facet][1] if one.facet in told else None, one.weight)
        for one in interests
        if (kind := _kind(told.get(one.facet), one.weight))
    ]
    present = {one.facet for one in interests}
    gone = [(facet, *what) for facet, what in told.items() if facet not in present]
    return changes + [Change(facet, label, "gone", weight, None) for facet, label, weight in gone]


def _kind(told: tuple[str, float] | None, weight: float) -> ChangeKind | None:
    if told is None:
        return "appeared" if weight >= TOLD_FROM else None
    before = told[1]
    if weight >= RATIO * before and weight - before >= STEP:
        return "rose"
    return "fell" if before >= RATIO * weight and before - weight >= STEP else None


def _avoided(told: dict[str, tuple[str, float]], avoids: Sequence[Interest]) -> list[Change]:
    new = [Change(one.facet, one.label, "avoided", None, one.weight) for one in avoids if one.facet not in told]
    present = {one.facet for one in avoids}
    over = [(facet, *what) for facet, what in told.items() if facet not in present]
    return new + [Change(facet, label, "no_longer_avoided", weight, None) for facet, label, weight in over]
