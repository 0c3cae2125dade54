"""What every generator is: fitted from the log, scoring what it can for one query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, ItemSpace, Mask, Rows, Vectors
from app.domain.recommendation import Reason
from app.profiles.people import People

Floats = NDArray[np.float32]


Word = Callable[[Rows], Floats]


def silent(rows: Rows) -> Floats:
    """(N,) of NaN: the word of a source that has nothing to say."""
    return np.full(len(rows), np.nan, dtype=np.float32)


class Scored(NamedTuple):
    """The best items of one source: (N,) catalogue rows without repeats, best first, with (N,) scores.

    A score is the chance that the user turns to the item next, as far as this source can tell: none is negative and
    together they are at most 1, less where the source knows that it knows little. `of` is its word on any other (N,)
    rows, allowed or not, on the same scale: NaN where it cannot say, which is not the same as 0.
    """

    rows: Rows
    scores: Floats
    of: Word = silent


NOTHING = Scored(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Log:
    """Behaviours of all users on items as arrays of length N, in order of time.

    `users`, `items` and `types` index `n_users`, `item_ids` and `type_names`; `at` is in seconds since 1970;
    `weights` lie in [-1, 1]. Generators learn from those above 0 alone: `wanted()`.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    at: NDArray[np.float64]
    weights: Floats
    types: NDArray[np.int16]
    n_users: int
    item_ids: list[str]
    type_names: list[str]

    def take(self, selection: slice | Mask | Rows | NDArray[np.int64]) -> Log:
        """Some of the behaviours under the same numbers."""
        return replace(
            self,
            users=self.users[selection],
            items=self.items[selection],
            at=self.at[selection],
            weights=self.weights[selection],
            types=self.types[selection],
        )

    def wanted(self) -> Log:
        """What speaks for an item."""
        return self.take(self.weights > 0)

    def compact(self) -> Log:
        """The same, with numbers for those items only that occur."""
        used, places = np.unique(self.items, return_inverse=True)
        item_ids = [self.item_ids[item] for item in used.tolist()]
        return replace(self, items=places.astype(np.int32), item_ids=item_ids)

    def until(self, moment: float) -> Log:
        """What came before a moment, in seconds since 1970."""
        return self.take(slice(0, int(np.searchsorted(self.at, moment, side="left"))))


# How far each source is trusted until a log has taught it. A sum of chances, since reciprocal rank fusion cannot know
# that the first of one list is almost certain and the first of another a guess (benchmarks/LOG.md).
# What is said in words is meant: it leads.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "statement": 3.0,
        "trend": 2.5,
        "habits": 1.2,
        "neighbours": 1.0,
        "slit": 0.5,
        "lines": 0.5,
        "ease": 0.5,
        "text_map": 0.3,
        "interests": 0.1,
        "fresh": 0.08,
    }
)


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

    `past` (T,) are rows of the user's positive interactions, newest first, each item once, `past_at` (T,) their times
    (seconds since 1970) and `types` the behaviour that each stands for; `recency` (T,) fades from about 1 with every
    item that came later, alike for what came at the same time, `line_recency` (T,) whatever came when. `near` holds
    what lies around the first interests, whether allowed or not: rows (Q, k) and cosines (Q, k), best first, -1 where
    there are fewer. `segment` is -1 for somebody of no segment, `turn` how surely they turn to other things than before
    (0 to 1). `allowed` (V,) is what may be shown after filters; `now` is in seconds since 1970; `n` is how many
    candidates are wanted. Each of `wished` are rows of which a person asked for more.
    """

    past: Rows
    past_at: NDArray[np.float64]
    types: tuple[str, ...]
    recency: Floats
    line_recency: Floats
    interests: tuple[InterestVector, ...]
    near: tuple[Rows, Vectors]
    statements: tuple[StatementVector, ...]
    habits: Habits
    segment: int
    turn: float
    allowed: Mask
    now: float
    n: int
    wished: tuple[Rows, ...] = ()


class Generator(Protocol):
    """One source of candidates."""

    name: str

    def score(self, query: Query) -> Scored:
        """At most about `query.n` allowed items; `NOTHING` where this source has nothing to say."""

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        """Why this source would show each of the (N,) items that it scored, in words a user understands."""


class Ranker(Protocol):
    """Orders candidates by `retrieval.features`."""

    def score(self, features: Floats) -> Floats:
        """(N, F) -> (N,) log odds."""

    def parts(self, features: Floats) -> Floats:
        """(N, F) -> (N, F) what each feature adds to the score, up to a constant."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How candidates are chosen and ordered: by the weights of a mixture, then by a ranker where there is one."""

    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    ranker: Ranker | None = None


PLAIN = Policy()


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class World:
    """One consistent set of what a worker answers from; replaced whole, so a request takes it once and keeps it.

    Whatever changes in it makes another world, equal to none before: what was worked out in one is good as long as
    it is that very object. `policies` are those that were learned: `new` ranks only what is new to the user,
    `repeats` everything. `catalogue_version` is the number of the latest change of an item that is in it.
    """

    catalogue: Catalogue
    space: ItemSpace
    generators: tuple[Generator, ...]
    model_version: str
    policies: Mapping[str, Policy] = field(default_factory=dict)
    people: People = field(default_factory=People)
    catalogue_version: int = 0

    def policy(self, name: str) -> Policy:
        return self.policies.get(name, PLAIN)
