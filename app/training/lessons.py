"""What the ranker learns from: requests as they would have been asked just before people did what they did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.behavior import Interaction
from app.domain.catalogue import Rows
from app.profiles.decay import HalfLives
from app.profiles.fold import fold
from app.profiles.state import State
from app.ranking.filters import had_by
from app.ranking.ranker import Lessons
from app.retrieval.base import PLAIN, Log, World
from app.retrieval.candidates import gather
from app.retrieval.caps import once_a_day
from app.retrieval.features import NAMES, features
from app.retrieval.query import build_query, taste_of

POLICIES = ("new", "repeats")
# Requests that are looked at for each policy: 8 ms each on one core.
N_REQUESTS = 4_000
# Of each request's candidates these are kept, the first of the mixture and some of the rest.
N_FIRST = 100
N_OTHERS = 50
N_CANDIDATES = 150


class Memory:
    """One user's state as it was at some moment, going forward as long as the same user is asked for."""

    def __init__(self, item_ids: Sequence[str], type_names: Sequence[str], half_lives: HalfLives) -> None:
        self._item_ids, self._type_names, self._half_lives = item_ids, type_names, half_lives
        self._user = -1
        self._n = 0
        self._state = State()

    def after(
        self, user: int, items: Rows, at: NDArray[np.float64], weights: NDArray[np.float32], types: NDArray[np.int16]
    ) -> State:
        """After these (T,) behaviours, oldest first, which begin with those told for this user before."""
        if user != self._user or len(items) < self._n:
            self._user, self._n, self._state = user, 0, State()
        new = slice(self._n, len(items))
        columns = (items[new].tolist(), at[new].tolist(), weights[new].tolist(), types[new].tolist())
        told = [
            Interaction(seq, f"{seq:09d}", self._type_names[type_], moment, weight, self._item_ids[item])
            for seq, (item, moment, weight, type_) in enumerate(zip(*columns, strict=True), self._n + 1)
        ]
        self._n = len(items)
        return fold(self._state, told, self._half_lives)


@dataclass(frozen=True, slots=True)
class Request:
    """What a user turned to at a moment (seconds since 1970), and what would have been at hand to show.

    `rows` (N,) are candidates by the plain mixture, `table` (N, F) their features, `place` that of the right one, -1
    where it is not among them.
    """

    user: int
    log_place: int
    at: float
    rows: Rows
    table: NDArray[np.float32]
    place: int


class _Moment(NamedTuple):
    state: State
    row: int
    at: float


def requests(log: Log, start: float, world: World, half_lives: HalfLives, seed: int) -> dict[str, list[Request]]:
    """By policy (`new`: only items that the user has not had; `repeats`: all), from behaviours after `start`.

    `world` must have learned from nothing after `start`.
    """
    found: dict[str, list[Request]] = {policy: [] for policy in POLICIES}
    memory = Memory(log.item_ids, log.type_names, half_lives)
    rows = world.catalogue.rows(log.item_ids)
    for places, policies in _drawn(log, start, np.random.default_rng(seed)):
        past, place = places[:-1], int(places[-1])
        user, row = int(log.users[place]), int(rows[log.items[place]])
        state = memory.after(user, log.items[past], log.at[past], log.weights[past], log.types[past])
        if row < 0:
            continue
        moment = _Moment(state, row, float(log.at[place]))
        for policy, (candidates, table) in _answers(moment, policies, world, half_lives).items():
            right = np.flatnonzero(candidates == row)
            at_place = int(right[0]) if right.size else -1
            found[policy].append(Request(user, place, moment.at, candidates, table, at_place))
    return found


def lessons_of(asked: Sequence[Request], seed: int = 0) -> Lessons:
    """Of each request the first of its candidates and some of the others; what was no candidate teaches nothing.

    At least one of them must teach something.
    """
    rng = np.random.default_rng(seed)
    taught = [(one, _kept(one, rng)) for one in asked if one.place >= 0]
    return Lessons(
        np.concatenate([one.table[kept] for one, kept in taught]),
        np.array([len(kept) for _, kept in taught]),
        np.array([int(np.flatnonzero(kept == one.place)[0]) for one, kept in taught]),
        NAMES,
    )


def _kept(one: Request, rng: np.random.Generator) -> NDArray[np.int64]:
    kept = np.arange(min(N_FIRST, len(one.rows)))
    others = np.arange(len(kept), len(one.rows))
    return np.union1d(np.append(kept, one.place), rng.choice(others, min(N_OTHERS, len(others)), replace=False))


def _drawn(log: Log, start: float, rng: np.random.Generator) -> Iterator[tuple[NDArray[np.int64], tuple[str, ...]]]:
    """Places in the log of a user's behaviours, the last of them being what is asked for, and by which policies."""
    order = np.argsort(log.users, kind="stable")
    starts = np.searchsorted(log.users[order], np.arange(log.n_users + 1))
    wanted = _counted(log) & (log.at >= start)
    firsts = np.zeros(len(log.at), dtype=np.bool_)
    firsts[np.unique(log.users.astype(np.int64) * len(log.item_ids) + log.items, return_index=True)[1]] = True
    drawn = {"new": _draw(wanted & firsts, rng), "repeats": _draw(wanted, rng)}
    places = np.union1d(drawn["new"], drawn["repeats"])
    for place in places[np.argsort(log.users[places], kind="stable")].tolist():
        mine = order[starts[log.users[place]] : starts[log.users[place] + 1]]
        until = int(np.searchsorted(mine, place))
        yield mine[: until + 1], tuple(policy for policy, chosen in drawn.items() if _among(place, chosen))


def _counted(log: Log) -> NDArray[np.bool_]:
    """(N,) what speaks for an item, of a user, an item and a day once: who does it all day long asks no more often."""
    liked = np.flatnonzero(log.weights > 0)
    counted = np.zeros(len(log.at), dtype=np.bool_)
    counted[liked[once_a_day(log.take(liked))]] = True
    return counted


def _draw(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    places = np.flatnonzero(mask)
    return np.sort(rng.choice(places, min(N_REQUESTS, len(places)), replace=False))


def _among(place: int, chosen: NDArray[np.int64]) -> bool:
    at = int(np.searchsorted(chosen, place))
    return at < len(chosen) and int(chosen[at]) == place


def _answers(
    moment: _Moment, policies: Sequence[str], world: World, half_lives: HalfLives
) -> dict[str, tuple[Rows, NDArray[np.float32]]]:
    """Candidates and their features by policy; none where the right item may not be shown."""
    known = world.catalogue.rows(moment.state.items)
    taste = taste_of(moment.state, known, world, half_lives)
    found = {}
    for policy in policies:
        allowed = ~(world.catalogue.published_at > moment.at)
        if policy == "new":
            allowed[had_by(moment.state, known).seen] = False
        if allowed[moment.row]:
            query = build_query(taste, allowed, moment.at, N_CANDIDATES, half_lives)
            fused = gather(world, query, PLAIN)
            found[policy] = fused.rows, features(query, fused, world)
    return found
