"""The log as windows of behaviours, in batches of about equal length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.retrieval.base import Floats, Log
from app.retrieval.decoder import profile_features
from app.retrieval.query import N_PAST

Integers = NDArray[np.int64]

# What some users did last says when to stop, what the others did at that time is learned from: a quarter of the newest
# behaviours or 1,000.
HELD_OUT = 0.05
HELD_SHARE = 0.25
MOST_HELD = 1000


class Window(NamedTuple):
    """Places `begin` to `end` of the sequences, of which those from `asked` on are asked for."""

    begin: int
    end: int
    asked: int


@dataclass(frozen=True, slots=True)
class Windows:
    """B windows of up to T + 1 behaviours, oldest first: the first T are read, each of them is asked for.

    `targets` (B, T + 1) are items, -1 where nothing is asked. `items`, `types` (0 is unknown), `at` and `asked_at`
    (B, T) and `profile` (B, F) are what `networks.decoder.Behaviors` wants.
    """

    targets: Integers
    items: Integers
    types: Integers
    at: NDArray[np.float64]
    asked_at: NDArray[np.float64]
    profile: Floats


class Sequences:
    """Every user's behaviours as one slice, in order of time."""

    def __init__(self, log: Log, length: int, seed: int, hold_out: bool = True) -> None:
        self._log = log
        self._length = length
        self._n_types = len(log.type_names)
        self._order = np.lexsort((log.at, log.users))
        self._bounds = np.searchsorted(log.users[self._order], np.arange(log.n_users + 1))
        self._ends = self._bounds[1:].copy()
        self.held = self._hold_out(np.random.default_rng(seed)) if hold_out else []
        self.counts = np.bincount(log.items, minlength=len(log.item_ids))

    @property
    def n_asked(self) -> int:
        """Behaviours that follow another of the same user, and are learned from."""
        return int(np.maximum(self._ends - self._bounds[:-1] - 1, 0).sum())

    @property
    def users(self) -> Integers:
        """Those of whom there is something to learn from."""
        return np.flatnonzero(self._ends > self._bounds[:-1])

    def one_each(self, users: Integers, rng: np.random.Generator) -> list[Window]:
        """One window of each of `users`: all of a short history, some place of a long one."""
        size, begin, end = self._length + 1, self._bounds[users], self._ends[users]
        starts = rng.integers(begin, np.maximum(end - size, begin) + 1)
        return [Window(at, min(at + size, last), at) for at, last in zip(starts.tolist(), end.tolist(), strict=True)]

    def cut(self, rng: np.random.Generator) -> list[Window]:
        """All that is learned from, cut anew: the first window of a long history is of random length."""
        found = []
        size = self._length + 1
        for begin, end in zip(self._bounds[:-1].tolist(), self._ends.tolist(), strict=True):
            first = begin + (int(rng.integers(1, size + 1)) if end - begin > size else size)
            if end > begin:
                found += [Window(*pair, pair[0]) for pair in pairwise([begin, *range(first, end, size), end])]
        return found

    def shuffled(self, rng: np.random.Generator) -> Integers:
        """(N,) places of the log by user and time; what came at one time has no order, so it gets a random one."""
        chance = rng.random(len(self._log.at))
        return np.lexsort((chance, self._log.at, self._log.users))

    def windows(self, chosen: list[Window], order: Integers | None = None) -> Windows:
        """`order` is one that `shuffled` gave; None is the order of the log."""
        order = self._order if order is None else order
        width = max(window.end - window.begin for window in chosen)
        offsets = np.arange(width)
        begin, end, asked = (np.array(column)[:, None] for column in zip(*chosen, strict=True))
        places = begin + offsets
        there = places < end
        rows = order[np.where(there, places, begin)]
        items = self._log.items[rows].astype(np.int64)
        at = self._log.at[rows]
        targets = np.where(there & (places >= asked), items, -1)
        types = self._log.types[rows].astype(np.int64) + 1
        profile = np.stack([self._profile(window.begin, order) for window in chosen])
        return Windows(targets, items[:, :-1], types[:, :-1], at[:, :-1], at[:, 1:], profile)

    def _profile(self, begin: int, order: Integers) -> Floats:
        """What the user did before the window, as far as a query would remember it."""
        user = self._log.users[order[begin]]
        older = order[max(int(self._bounds[user]), begin - N_PAST + self._length) : begin]
        types = self._log.types[older].astype(np.int64) + 1
        return profile_features(self._log.at[older], types, self._n_types, float(self._log.at[order[begin]]))

    def _hold_out(self, rng: np.random.Generator) -> list[Window]:
        """Takes the newest behaviours of some users away; each becomes a window that ends with them."""
        log, at = self._log, self._log.at[self._order]
        if not len(at):
            return []
        newest = log.at > np.quantile(log.at, 1 - HELD_OUT)
        wanted = min(MOST_HELD, int(newest.sum() * HELD_SHARE))
        held, n_held = [], 0
        for user in rng.permutation(np.unique(log.users[newest])).tolist():
            begin, end = int(self._bounds[user]), int(self._bounds[user + 1])
            asked = begin + int(np.searchsorted(at[begin:end], log.at[~newest].max(), side="right"))
            if n_held < wanted and begin < asked:
                last = min(end, asked + self._length // 2)
                held.append(Window(max(begin, last - self._length - 1), last, asked))
                n_held += last - asked
                self._ends[user] = asked
        return held


def batches(windows: list[Window], size: int, n: int, rng: np.random.Generator) -> Iterator[list[Window]]:
    """At most `n` batches of `size` windows; those of a batch have about the same length, to spare padding."""
    some = [windows[number] for number in rng.permutation(len(windows))[: n * size].tolist()]
    some.sort(key=lambda window: window.end - window.begin)
    starts = np.arange(0, len(some), size)
    for start in rng.permutation(starts).tolist():
        yield some[start : start + size]
