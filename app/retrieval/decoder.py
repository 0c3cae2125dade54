"""What comes next by a neural network that reads the order, the types and the times of what the user did."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue, Mask, Rows
from app.domain.recommendation import Reason
from app.profiles.decay import DAY_S
from app.retrieval.artifact import Arrays, Positions
from app.retrieval.base import NOTHING, Floats, Query, Scored
from app.retrieval.query import N_PAST
from app.retrieval.select import best_of
from app.retrieval.words import name_of

# positions newest first (T,), their types, their ages in seconds (T,), the profile (F,) -> hidden state (D,)
Forward = Callable[[NDArray[np.int32], Sequence[str], NDArray[np.float64], Floats], Floats]

# Features of the profile beside one share for each type of behaviour.
N_MEASURES = 4


def profile_features(at: NDArray[np.float64], types: NDArray[np.integer], n_types: int, now: float) -> Floats:
    """(F,) the profile as far as it lies before what the decoder reads one by one, F = N_MEASURES + n_types + 1.

    `at` (N,) seconds since 1970 in any order and `types` (N,), 0 where unknown; `now` is where the reading begins.
    How much, on how many days, over how long, how long ago (logarithms), and the share of each type, from which the
    decoder takes how often this user buys. All 0 for who has nothing before.
    """
    if not len(at):
        return np.zeros(N_MEASURES + n_types + 1, dtype=np.float32)
    days = len(np.unique(at // DAY_S))
    measures = np.log1p([len(at), days, (at.max() - at.min()) / DAY_S, max(now - at.max(), 0.0) / DAY_S])
    shares = np.bincount(types, minlength=n_types + 1)[: n_types + 1] / len(types)
    return np.concatenate([measures / 4, shares]).astype(np.float32)


class Decoder:
    """`arrays` hold `items` (P, D) and `bias` (P,): the chance of an item is softmax(items @ h + bias)."""

    name = "decoder"

    def __init__(
        self,
        arrays: Arrays,
        positions: Positions,
        catalogue: Catalogue,
        forward: Forward,
        reading: tuple[int, Sequence[str]],
    ) -> None:
        """`reading` is how many behaviours `forward` reads one by one, and the names of the types it knows."""
        self._items: Floats = np.asarray(arrays["items"], dtype=np.float32)
        self._bias: Floats = np.asarray(arrays["bias"], dtype=np.float32)
        self._positions = positions
        self._catalogue = catalogue
        self._forward = forward
        self._length, self._types = reading[0], {name: number for number, name in enumerate(reading[1], start=1)}
        self._known = np.flatnonzero(positions.rows >= 0)

    def score(self, query: Query) -> Scored:
        """Chances among what is allowed: together they are 1, for the user turns to one of those it may be."""
        hidden, offered = self._hidden(query), self._offered(query.allowed)
        if hidden is None or not len(offered):
            return NOTHING
        logits = self._items @ hidden + self._bias
        highest = float(logits[offered].max())
        total = highest + float(np.log(np.exp(logits[offered] - highest).sum(dtype=np.float64)))
        chances = np.exp(np.minimum(logits - total, 0.0))
        return best_of(self._positions.rows[offered], chances[offered], query.n, lambda rows: self._of(chances, rows))

    def reasons(self, query: Query, rows: Rows) -> list[Reason]:
        """The evidence is what of the past the decoder holds to be most like the item."""
        places = np.flatnonzero(self._positions.of(query.past[: self._length]) >= 0)
        past = _unit(self._items[self._positions.of(query.past[places])])
        likeness = _unit(self._items[self._positions.of(rows)]) @ past.T
        return [self._reason(query, int(places[place])) for place in likeness.argmax(axis=1)]

    def _reason(self, query: Query, place: int) -> Reason:
        item = self._catalogue.items[query.past[place]]
        return Reason("next", f"Fits what you did lately, such as {name_of(item)}", (item.item_id,))

    def _hidden(self, query: Query) -> Floats | None:
        """(D,), None when the user did nothing that the decoder knows."""
        positions = self._positions.of(query.past)
        known = np.flatnonzero(positions >= 0)
        if not known.size:
            return None
        at, types = query.past_at[known], [query.types[place] for place in known.tolist()]
        read, older = slice(0, self._length), slice(self._length, N_PAST)
        numbers = np.array([self._types.get(name, 0) for name in types[older]], dtype=np.int64)
        profile = profile_features(at[older], numbers, len(self._types), float(at[read][-1]))
        return self._forward(positions[known][read], types[read], query.now - at[read], profile)

    def _offered(self, allowed: Mask) -> NDArray[np.int64]:
        return self._known[allowed[self._positions.rows[self._known]]]

    def _of(self, chances: Floats, rows: Rows) -> Floats:
        positions = self._positions.of(rows)
        return np.where(positions >= 0, chances[positions], np.float32(np.nan))


def _unit(vectors: Floats) -> Floats:
    lengths: Floats = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return vectors / lengths
