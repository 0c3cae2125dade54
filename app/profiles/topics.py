"""What a user is after, in a few learned topics: their attention is folded into topics that training found.

Latent Dirichlet allocation with the topics held fixed (Blei, Ng & Jordan 2003, section 5.2): only the user's own
shares move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.catalogue import Catalogue
from app.profiles.decay import HalfLives
from app.profiles.leaves import Leaves
from app.profiles.state import State
from app.profiles.sums import Floats, last_at, sums_at

# Until the shares of a user stand still, where they are as scikit-learn's within .005: some 60 rounds.
N_ROUNDS = 100
ENOUGH = 1e-4
# What is told of a user.
TOLD_SHARE = 0.15
N_TOLD = 3


@dataclass(frozen=True, slots=True)
class Topics:
    """`words` (K, W) is exp(E[log p(facet | topic)]) over the facets (W,), `prior` what every topic has before anything
    is known, `unit` the attention that counts as one facet.
    """

    words: Floats
    prior: float
    unit: float
    facets: tuple[str, ...]
    names: tuple[str, ...]
    place_of: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place_of", {facet: place for place, facet in enumerate(self.facets)})

    def shares_of(self, state: State, leaves: Leaves, catalogue: Catalogue, half_lives: HalfLives) -> Floats | None:
        """(K,) shares that add up to 1; None for a user of whom no facet is known. `leaves` of the state's items."""
        counts = self.counts_of(state, leaves, catalogue, half_lives)
        return self.fold_in(counts) if counts.any() else None

    def counts_of(self, state: State, leaves: Leaves, catalogue: Catalogue, half_lives: HalfLives) -> Floats:
        """(W,) the user's attention to each facet, as training counts it."""
        if not len(leaves.places):
            return np.zeros(len(self.facets))
        numbers, which = np.unique(leaves.facets, return_inverse=True)
        names = (catalogue.facets[facet] for facet in numbers.tolist())
        places = np.array([self.place_of.get(name, len(self.facets)) for name in names], dtype=np.int64)
        mass = _attention(state, half_lives)[leaves.places] * leaves.shares
        return np.asarray(np.bincount(places[which], mass, len(self.facets) + 1)[:-1] / self.unit)

    def fold_in(self, counts: Floats) -> Floats:
        """(W,) counts of facets -> (K,) shares."""
        from scipy.special import digamma

        held = np.flatnonzero(counts > 0)
        words, n = self.words[:, held], counts[held]
        gamma = np.ones(len(words))
        for _ in range(N_ROUNDS):
            before = gamma
            weights = np.exp(digamma(gamma))  # without what all topics share: it falls out of the next line
            gamma = self.prior + weights * (words @ (n / (weights @ words + np.finfo(np.float64).eps)))
            if np.abs(gamma - before).sum() < ENOUGH * gamma.sum():
                break
        return np.asarray(gamma / gamma.sum())

    def told(self, shares: Floats | None) -> tuple[str, ...]:
        """The names of the first few, strongest first."""
        if shares is None:
            return ()
        order = np.argsort(-shares, kind="stable")[:N_TOLD].tolist()
        return tuple(self.names[topic] for topic in order if shares[topic] >= TOLD_SHARE)


def open_topics(arrays: Mapping[str, NDArray[Any]], words: Mapping[str, Any]) -> Topics:
    """Of what `training.topics` wrote."""
    return Topics(
        np.asarray(arrays["words"], dtype=np.float64),
        float(arrays["prior"][0]),
        float(arrays["unit"][0]),
        tuple(words["facets"]),
        tuple(words["names"]),
    )


def _attention(state: State, half_lives: HalfLives) -> Floats:
    """(N,) per item of the state, at the moment when the user last did something."""
    tallies = list(state.items.values())
    sums = sums_at(tallies, float(last_at(tallies).max()), half_lives)
    return np.asarray(np.log1p(np.maximum(sums.long - sums.negative, 0.0)))
