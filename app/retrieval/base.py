"""What every generator is: fitted from the log, scoring what it can for one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Mask, Rows, Vectors
from app.domain.recommendation import Reason

Floats = NDArray[np.float32]


class Scored(NamedTuple):
    """The items a generator can score: (N,) catalogue rows without repeats, best first, with (N,) scores.

    A score is the chance that the user turns to the item next, as far as this source can tell: none is negative and
    together they are at most 1, less where the source knows that it knows little. A row that is not there is missing,
    which is not the same as 0.
    """

    rows: Rows
    scores: Floats


NOTHING = Scored(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Log:
    """The positive interactions of all users as arrays of length N, in order of time.

    `users` and `items` index `n_users` and `item_ids`; `at` is in seconds since 1970; `weights` lie in (0, 1].
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    at: NDArray[np.float64]
    weights: Floats
    types: NDArray[np.int16]
    n_users: int
    item_ids: list[str]
    type_names: list[str]


@dataclass(frozen=True, slots=True)
class InterestVector:
    """A direction in the item space. `vector` is (D,), `weight` its share, `rows` what made it, strongest first."""

    vector: Vectors
    weight: float
    rows: Rows


@dataclass(frozen=True, slots=True)
class StatementVector:
    """What the user said, as a (D,) direction in the item space; `weight` fades with its age.

    `type` is that of the behaviour, or `wish` for what this very request asks for.
    """

    vector: Vectors
    weight: float
    text: str
    type: str


@dataclass(frozen=True, slots=True)
class Habits:
    """What the user bought, arrays of length N: row, number of purchases, first and last time (seconds since 1970).

    `strength` is the sum of the weights of everything the user did with the item, faded by the long half-life.
    """

    rows: Rows
    strength: NDArray[np.float64]
    n_purchases: NDArray[np.int32]
    first_at: NDArray[np.float64]
    last_at: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Query:
    """One request for recommendations, as generators see it.

    `past` (T,) are rows of the user's positive interactions, newest first, each item once, and `types` the behaviour
    that each stands for; `recency` (T,) fades from about 1 with every item that came later, alike for what came at
    the same time. `near` holds what lies around the first interests, whether allowed or not: rows (Q, k) and
    cosines (Q, k), best first, -1 where there are fewer. `allowed` (V,) is what may be shown after filters; `now` is
    in seconds since 1970; `n` is how many candidates are wanted.
    """

    past: Rows
    types: tuple[str, ...]
    recency: Floats
    interests: tuple[InterestVector, ...]
    near: tuple[Rows, Vectors]
    statements: tuple[StatementVector, ...]
    habits: Habits
    allowed: Mask
    now: float
    n: int


class Generator(Protocol):
    """One source of candidates."""

    name: str

    def score(self, query: Query) -> Scored:
        """At most about `query.n` allowed items; `NOTHING` where this source has nothing to say."""

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        """Why this source would show each of the (N,) items that it scored, in words a user understands."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class World:
    """One consistent set of what a worker answers from; replaced whole, so a request takes it once and keeps it.

    Whatever changes in it makes another world, equal to none before: what was worked out in one is good as long as
    it is that very object.
    """

    catalogue: Catalogue
    space: ItemSpace
    generators: tuple[Generator, ...]
    model_version: str
