"""Behaviours on items as arrays, in the one order that every exam uses: by (time, input row)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Mask, Rows
from app.domain.errors import InvalidInput

Floats = NDArray[np.float32]
Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The outer names of the numbers: user u is `user_ids[u]`, item v `item_ids[v]`, behaviour type c `types[c]`."""

    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Behaviours as they were read, (N,) each. `at` is in seconds since 1970, `weights` lie in [-1, 1]."""

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    at: Times
    weights: Floats
    types: Sequence[str]


@dataclass(frozen=True, slots=True)
class Events:
    """N behaviours in order of (time, input row). `users`, `items` and `types` number the vocabulary.

    A weight above 0 says that the user wanted the item; only such behaviours are learned from or asked for.
    """

    users: Rows
    items: Rows
    at: Times
    weights: Floats
    types: NDArray[np.int16]
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        return len(self.vocabulary.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.vocabulary.item_ids)

    def take(self, selection: slice | Mask | Rows) -> Events:
        """Some of the behaviours under the same vocabulary; a slice copies nothing."""
        return Events(
            self.users[selection],
            self.items[selection],
            self.at[selection],
            self.weights[selection],
            self.types[selection],
            self.vocabulary,
        )

    def wanted(self) -> Events:
        """Those of positive weight."""
        return self.take(self.weights > 0)

    def row_at(self, moment: float) -> int:
        """The first row that is not before `moment` (seconds since 1970)."""
        return int(np.searchsorted(self.at, moment, side="left"))


@dataclass(frozen=True, slots=True)
class Items:
    """What is known of the items beside behaviours, by item number (V,). `published_at` is NaN where unknown."""

    texts: Sequence[str]
    categories: Sequence[tuple[str, ...]]
    published_at: Times


def order_events(columns: Columns, catalogue: Iterable[str] = ()) -> Events:
    """Numbers and orders behaviours. Items of `catalogue` are numbered first and exist without any behaviour.

    Raises InvalidInput when the columns differ in length or a time is not finite.
    """
    _check(columns)
    users, user_ids = _numbered(columns.user_ids)
    items, item_ids = _numbered(columns.item_ids, catalogue)
    types, type_names = _numbered(columns.types)
    events = Events(
        users,
        items,
        np.asarray(columns.at, dtype=np.float64),
        np.asarray(columns.weights, dtype=np.float32),
        types.astype(np.int16),
        Vocabulary(user_ids, item_ids, type_names),
    )
    return events.take(np.argsort(events.at, kind="stable").astype(np.int32))


def first_seen(events: Events) -> Times:
    """(V,) time of the first behaviour on each item, infinite where there is none."""
    first = np.full(events.n_items, np.inf)
    np.minimum.at(first, events.items, events.at)
    return first


def known_since(events: Events, published_at: Times | None = None) -> Times:
    """(V,) since when an item can be recommended: its publication or its first behaviour, whichever came first.

    An item with neither counts as known from the start. Only the candidate set may use this, never a score: the
    first behaviour of an undated item is the very one that an exam asks for.
    """
    known = first_seen(events)
    if published_at is not None:
        known = np.fmin(known, published_at)
    return np.where(np.isinf(known), -np.inf, known)


def _check(columns: Columns) -> None:
    lengths = {len(c) for c in (columns.user_ids, columns.item_ids, columns.at, columns.weights, columns.types)}
    if len(lengths) != 1:
        raise InvalidInput("The columns differ in length.", "Give one user, item, time, weight and type a behaviour.")
    if not np.isfinite(columns.at).all():
        raise InvalidInput("A time is missing.", "Leave out behaviours without a time: their order is unknown.")


def _numbered(names: Iterable[str], known: Iterable[str] = ()) -> tuple[Rows, tuple[str, ...]]:
    number_of = {name: number for number, name in enumerate(dict.fromkeys(known))}
    numbers = np.fromiter((number_of.setdefault(name, len(number_of)) for name in names), dtype=np.int32)
    return numbers, tuple(number_of)
