"""How much a behaviour says about taste."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

RATING = "rating"

BUILT_IN: Mapping[str, float] = MappingProxyType(
    {
        "impression": 0.0,
        "view": 0.2,
        "click": 0.3,
        "search": 0.4,
        "comment": 0.4,
        "watch": 0.5,
        "add_to_cart": 0.6,
        "like": 0.7,
        "share": 0.7,
        "purchase": 1.0,
        RATING: 1.0,  # at the top of the scale; `weigh` reads the value
        "skip": -0.3,
        "remove_from_cart": -0.3,
        "return": -0.6,
        "dislike": -0.8,
    }
)


@dataclass(frozen=True, slots=True)
class Weights:
    """`by_type` holds weights in [-1, 1]; ratings are given on a scale of 1 to `rating_max`."""

    by_type: Mapping[str, float] = field(default_factory=lambda: BUILT_IN)
    rating_max: float = 5.0


def weigh(weights: Weights, type: str, value: float | None) -> float:
    """The weight of a behaviour in [-1, 1]; 0 for a type that is not mapped and for a rating without a value."""
    weight = weights.by_type.get(type, 0.0)
    if type == RATING:
        weight *= _around_middle(value, weights.rating_max) if value is not None else 0.0
    return max(-1.0, min(1.0, weight))


def nearest_type(weights: Weights, type: str) -> str | None:
    """The known type that was probably meant."""
    return next(iter(get_close_matches(type.lower(), list(weights.by_type), n=1)), None)


def _around_middle(value: float, rating_max: float) -> float:
    """1 .. rating_max -> -1 .. 1; half stars below 1 count as 1."""
    middle, reach = (rating_max + 1) / 2, (rating_max - 1) / 2
    return max(-1.0, min(1.0, (value - middle) / reach))
