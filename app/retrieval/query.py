"""A user's state becomes a query: the recent past, directions of interest, habits and what they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Mask, Rows, Vectors
from app.domain.edit import Edit
from app.profiles.decay import HalfLives, fade
from app.profiles.drift import turn_of
from app.profiles.leaves import leaves_of
from app.profiles.state import Said, State, Tally
from app.profiles.sums import last_at, sums_at
from app.retrieval.base import Floats, Habits, InterestVector, Query, StatementVector, World

N_PAST = 200
N_INTERESTS = 8
# The others speak for fresh items only: one search of 12,000 items takes .4 ms.
N_SEARCHED = 2
N_NEAR = 300
N_STATEMENTS = 4
# The newest count most. Against means of whole clusters, what lies near such a mean of the latest items raised
# NDCG@10 of new items from .0134 to .0188 (MovieTweetings) and from .047 to .117 (UCI retail).
RECENCY_TAU = 5.0
# What the short horizon weighs beside the long one for somebody who is steady, and for who surely turns away.
STEADY_SHARE, TURNED_SHARE = 0.5, 0.9
# What has less recency is passed over: 31 items, or a few baskets.
FADED = 0.002
# What has faded to this is no wish any more.
FORGOTTEN = 0.05


@dataclass(frozen=True, slots=True)
class SaidVector:
    """What the user said at a time (seconds since 1970), as a (D,) direction in the item space."""

    vector: Vectors
    at: float
    text: str
    type: str


@dataclass(frozen=True, slots=True)
class Taste:
    """What a query takes from the user, whatever the request asks for and whenever it comes."""

    past: Rows
    past_at: NDArray[np.float64]
    types: tuple[str, ...]
    recency: Floats
    interests: tuple[InterestVector, ...]
    near: tuple[Rows, Vectors]
    said: tuple[SaidVector, ...]
    habits: Habits
    segment: int = -1
    turn: float = 0.0

    @property
    def personal(self) -> bool:
        """Whether there is anything to go by."""
        return bool(len(self.past) or self.said)


_NO_ROWS = np.empty(0, dtype=np.int32)
_NO_TIMES = np.empty(0, dtype=np.float64)
NO_HABITS = Habits(_NO_ROWS, _NO_TIMES, _NO_ROWS, _NO_TIMES, _NO_TIMES)
NOTHING_NEAR = (np.empty((0, 0), dtype=np.int32), np.empty((0, 0), dtype=np.float32))
NO_TASTE = Taste(_NO_ROWS, _NO_TIMES, (), np.empty(0, dtype=np.float32), (), NOTHING_NEAR, (), NO_HABITS)


def build_query(
    taste: Taste, allowed: Mask, now: float, n: int, half_lives: HalfLives, wish: StatementVector | None = None
) -> Query:
    """`wish` is what this request says in words; it comes before what the user said earlier."""
    earlier = [
        StatementVector(one.vector, weight, one.text, one.type)
        for one in taste.said
        if (weight := _freshness(one.at, half_lives, now))
    ]
    return Query(
        past=taste.past,
        past_at=taste.past_at,
        types=taste.types,
        recency=taste.recency,
        line_recency=line_recency(len(taste.past)),
        interests=taste.interests,
        near=taste.near,
        statements=tuple(earlier if wish is None else [wish, *earlier]),
        habits=taste.habits,
        segment=taste.segment,
        turn=taste.turn,
        allowed=allowed,
        now=now,
        n=n,
    )


def taste_of(state: State, rows: Rows, world: World, half_lives: HalfLives) -> Taste:
    """`rows` are those of `state.items`; items that the catalogue does not know are passed over."""
    catalogue, space = world.catalogue, world.space
    tallies = list(state.items.values())
    liked = np.array([tally.n_positive > 0 and tally.long > tally.negative for tally in tallies], dtype=np.bool_)
    kept = np.flatnonzero((rows >= 0) & liked)
    said = _said(state.said, space)
    if not kept.size:
        return replace(NO_TASTE, said=said)
    segment = world.people.segment_of(state, leaves_of(catalogue, rows))
    if kept.size < len(tallies):
        rows, tallies = rows[kept], [tallies[place] for place in kept.tolist()]
    turn = turn_of(state, catalogue, space)
    weights = _weights(tallies, half_lives, turn)
    past, types, times = _past(state, catalogue, rows, tallies)
    recency = _recency(times)
    interests = _interests(past, recency, space) + _clusters(rows, weights, space)
    habits = _habits(rows, tallies, half_lives)
    near = look_around(interests, space)
    return Taste(past, np.array(times), types, recency, interests, near, said, habits, segment, turn)


def look_around(interests: Sequence[InterestVector], space: ItemSpace) -> tuple[Rows, Vectors]:
    if not interests:
        return NOTHING_NEAR
    return space.search(np.stack([interest.vector for interest in interests[:N_SEARCHED]]), N_NEAR)


def _weights(tallies: Sequence[Tally], half_lives: HalfLives, turn: float) -> NDArray[np.float64]:
    """(N,) shares of attention, half of it by the short horizon, or more of it while somebody turns to other things.

    log1p: the tenth purchase of one item says less than the first of another. Time stands still while the user is
    away, as in the profile: only what is newer than what matters, and no sum fades to 0 in a float.
    """
    sums = sums_at(tallies, max(tally.last_at for tally in tallies), half_lives)
    long, short = np.log1p(np.maximum(sums.long - sums.negative, 0.0)), np.log1p(sums.short)
    share = STEADY_SHARE + (TURNED_SHARE - STEADY_SHARE) * turn
    weights: NDArray[np.float64] = (1 - share) * long / max(long.sum(), 1e-12) + share * short / max(short.sum(), 1e-12)
    return weights


def _past(
    state: State, catalogue: Catalogue, rows: Rows, tallies: Sequence[Tally]
) -> tuple[Rows, tuple[str, ...], list[float]]:
    """Rows, types and times, newest first; what is older than the recent interactions comes by its last time."""
    liked = set(rows.tolist())
    past: dict[int, tuple[str, float]] = {}
    for one in state.recent:
        row = catalogue.row_of.get(one.item_id, -1)
        if one.weight > 0 and row in liked:
            past.setdefault(row, (one.type, one.at))
    if len(past) < min(len(rows), N_PAST):
        newest = np.lexsort((rows, -last_at(tallies)))[: 2 * N_PAST]
        for row, tally in zip(rows[newest].tolist(), map(tallies.__getitem__, newest.tolist()), strict=True):
            past.setdefault(row, ("purchase" if tally.n_purchases else "", tally.last_at))
    types, times = zip(*list(past.values())[:N_PAST], strict=True)
    return np.array(list(past)[:N_PAST], dtype=np.int32), types, list(times)


def line_recency(n: int) -> Floats:
    """(n,) exp(-rank / 5)."""
    recency: Floats = np.exp(-np.arange(n, dtype=np.float32) / np.float32(RECENCY_TAU))
    return recency


def _recency(times: Sequence[float]) -> Floats:
    """exp(-rank / 5); items of one time, as the lines of a basket, share what falls to them: they have no order.

    In whatever order a basket came, by its lines' ids NDCG@10 was .064 on groceries, with shared recency .071.
    """
    fading = line_recency(len(times))
    group = np.cumsum(np.diff(times, prepend=times[:1]) != 0)
    shared: Floats = (np.bincount(group, fading) / np.bincount(group))[group].astype(np.float32)
    return shared


def _interests(past: Rows, recency: Floats, space: ItemSpace) -> tuple[InterestVector, ...]:
    """Where the user is just now: the mean of the latest items."""
    recent = past[recency > FADED]
    return _mean(recent, space.vectors(recent), recency[recency > FADED], 1.0)


def _clusters(rows: Rows, weights: NDArray[np.float64], space: ItemSpace) -> tuple[InterestVector, ...]:
    """The strongest clusters of what the user turns to."""
    order = np.argsort(-weights, kind="stable")[:N_PAST]
    return _by_cluster(rows[order], space.vectors(rows[order]), weights[order].astype(np.float32), space)


def _mean(rows: Rows, vectors: Vectors, weights: Floats, share: float) -> tuple[InterestVector, ...]:
    """The weighted mean of (N, D) vectors; nothing when none of them is known."""
    known = np.isfinite(vectors).all(axis=1)
    mean = weights[known] @ vectors[known]
    length = float(np.linalg.norm(mean))
    return (InterestVector(mean / length, share, rows[known]),) if length > 1e-6 else ()


def _by_cluster(rows: Rows, vectors: Vectors, weights: Floats, space: ItemSpace) -> tuple[InterestVector, ...]:
    clusters = space.clusters(rows)
    numbers, member = np.unique(clusters[clusters >= 0], return_inverse=True)
    shares = np.bincount(member, weights[clusters >= 0], len(numbers))
    found: list[InterestVector] = []
    for place in np.argsort(-shares, kind="stable")[: N_INTERESTS - 1].tolist():
        here = clusters == numbers[place]
        found += _mean(rows[here], vectors[here], weights[here], float(shares[place]))
    return tuple(found)


def _habits(rows: Rows, tallies: Sequence[Tally], half_lives: HalfLives) -> Habits:
    bought = [place for place, tally in enumerate(tallies) if tally.n_purchases]
    if not bought:
        return NO_HABITS
    some = [tallies[place] for place in bought]
    return Habits(
        rows[bought],
        sums_at(some, max(tally.last_at for tally in some), half_lives).long,
        np.array([tally.n_purchases for tally in some], dtype=np.int32),
        np.array([tally.first_purchase_at for tally in some]),
        np.array([tally.last_purchase_at for tally in some]),
    )


def waits_for_encoder(state: State, half_lives: HalfLives, now: float) -> bool:
    """Whether something that the user said lately has no vector yet."""
    return any(one.embedding is None for one in _latest(state.said) if _freshness(one.at, half_lives, now))


def _latest(said: Sequence[Said]) -> list[Said]:
    """What was said last and in no bad mood."""
    return [one for one in said if one.weight >= 0][:N_STATEMENTS]


def _freshness(at: float, half_lives: HalfLives, now: float) -> float:
    left = fade(max(now - at, 0.0), half_lives.short_days)
    return left if left >= FORGOTTEN else 0.0


def _said(said: Sequence[Said], space: ItemSpace) -> tuple[SaidVector, ...]:
    """What still waits for the encoder, or came from another one, is left out."""
    found = []
    for one in _latest(said):
        vector = None if one.embedding is None else direction(np.frombuffer(one.embedding, dtype=np.float16), space)
        if vector is not None:
            found.append(SaidVector(vector, one.at, one.text, one.type))
    return tuple(found)


def wishes_of(edits: Sequence[Edit], space: ItemSpace) -> tuple[StatementVector, ...]:
    """The wishes of statements that hold, newest first: as strong as if they were made just now."""
    found = []
    for edit in sorted(edits, key=lambda edit: -edit.seq):
        vector = None if not edit.embedding else direction(np.frombuffer(edit.embedding, dtype=np.float16), space)
        if vector is not None:
            found.append(StatementVector(vector, 1.0, edit.wish, "wish"))
    return tuple(found[:N_STATEMENTS])


def direction(raw: NDArray[np.floating], space: ItemSpace) -> Vectors | None:
    """(D,) raw embedding -> where it points to in the item space; None when it does not, or is of another width."""
    if len(raw) != space.vectors(_NO_ROWS).shape[1]:
        return None
    vector = space.project(raw.astype(np.float32)[None])[0]
    return vector if np.isfinite(vector).all() else None
