"""The log becomes the state. Only sums, extremes and latest-so-many, so order and batches cannot matter."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter

from app.domain.behavior import Interaction
from app.profiles.decay import DAY_S, HalfLives
from app.profiles.state import Recent, Said, State, Tally

N_RECENT = 200
N_SAID = 50

IMPRESSION = "impression"
PURCHASE = "purchase"

_place = attrgetter("seq")
_when = attrgetter("at", "behavior_id")
_line = attrgetter("at", "seq")


def fold(state: State, interactions: Iterable[Interaction], half_lives: HalfLives) -> State:
    """Changes `state` and returns it. Rows that are in it already (seq <= state.seq) are passed over."""
    recent: list[Recent] = []
    said: list[Said] = []
    per_second = (-1.0 / (half_lives.long_days * DAY_S), -1.0 / (half_lives.short_days * DAY_S))
    for one in sorted(interactions, key=_place):
        if one.seq <= state.seq:
            continue
        state.seq = one.seq
        if one.flagged:
            state.n_flagged += 1
            continue
        _count(state, one)
        if one.type == IMPRESSION:
            continue
        _enter_day(state.days, int(one.at // DAY_S))
        if one.item_id is not None:
            _tally(state.items, one.item_id, one, per_second)
            recent.append(Recent(one.at, one.behavior_id, one.item_id, one.type, one.weight, one.seq))
        if one.text is not None:
            said.append(Said(one.at, one.behavior_id, one.type, one.text, one.weight, one.embedding))
    if recent:
        state.recent = sorted(state.recent + recent, key=_line, reverse=True)[:N_RECENT]
    if said:
        state.said = sorted(state.said + said, key=_when, reverse=True)[:N_SAID]
    return state


def _count(state: State, one: Interaction) -> None:
    if not state.counts:
        state.first_at = state.last_at = one.at
    elif one.at > state.last_at:
        state.last_at = one.at
    elif one.at < state.first_at:
        state.first_at = one.at
    state.counts[one.type] = state.counts.get(one.type, 0) + 1


def _enter_day(days: list[int], day: int) -> None:
    place = bisect_left(days, day)
    if place == len(days) or days[place] != day:
        days.insert(place, day)


def _tally(items: dict[str, Tally], item_id: str, one: Interaction, per_second: tuple[float, float]) -> None:
    tally = items.get(item_id)
    if tally is None:
        tally = items[item_id] = Tally(first_at=one.at, last_at=one.at)
    age = _move_to(tally, one.at, per_second)
    tally.n += 1
    weight = one.weight
    if weight > 0:
        tally.n_positive += 1
        tally.long += weight * 2.0 ** (age * per_second[0])
        tally.short += weight * 2.0 ** (age * per_second[1])
    elif weight < 0:
        tally.n_negative += 1
        tally.negative -= weight * 2.0 ** (age * per_second[0])
    if one.type == PURCHASE:
        _purchase(tally, one.at)


def _move_to(tally: Tally, at: float, per_second: tuple[float, float]) -> float:
    """Moves the sums on to `at` when it is later than what they hold; returns the age of `at` beside them."""
    age = tally.last_at - at
    if age >= 0:
        tally.first_at = min(tally.first_at, at)
        return age
    fade_long = 2.0 ** (-age * per_second[0])
    tally.long *= fade_long
    tally.negative *= fade_long
    tally.short *= 2.0 ** (-age * per_second[1])
    tally.last_at = at
    return 0.0


def _purchase(tally: Tally, at: float) -> None:
    if not tally.n_purchases:
        tally.first_purchase_at = tally.last_purchase_at = at
    tally.n_purchases += 1
    tally.first_purchase_at = min(tally.first_purchase_at, at)
    tally.last_purchase_at = max(tally.last_purchase_at, at)
