"""One request for recommendations and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Seen = Literal["exclude", "purchased", "include"]
Explain = Literal["none", "short", "full"]
# By the learned ranker where there is one, or always by the plain mixture of the sources.
Ranking = Literal["learned", "plain"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks for, with what the scenario says where the request is silent.

    `category`, `domain` and `attributes` must all hold; `candidates` limits the choice to them. Without `cross_domain`
    only the past in `domain` counts. `sources` scales parts of the score, 0 silences one; `boosted` multiplies the
    score of what carries a facet. `pinned` come first. `quotas` by category: a whole number is how many at most, one
    below 1 the share of the slate. `exploration` is the share of places that are drawn. `context_items` are at hand
    (the product that is looked at, the basket): what goes with them comes, they themselves do not. `without` are facets
    that the past says nothing about, as if nothing had been done with what carries them; what was had is had.
    """

    limit: int = 20
    scenario: str | None = None
    category: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None
    seen: Seen = "exclude"
    diversity: float = 0.3
    explain: Explain = "short"
    statement: str | None = None
    domain: str | None = None
    cross_domain: bool = True
    sources: dict[str, float] = field(default_factory=dict)
    boosted: dict[str, float] = field(default_factory=dict)
    pinned: tuple[str, ...] = ()
    quotas: dict[str, float] = field(default_factory=dict)
    exploration: float = 0.0
    context_items: tuple[str, ...] = ()
    ranking: Ranking = "learned"
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is there. `evidence` holds ids of the items (or the words) it rests on."""

    code: str
    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recommended:
    """`propensity` is the chance with which an item was drawn into its place, None where nothing was drawn."""

    item_id: str
    rank: int
    score: float
    source: str
    reason: Reason | None = None
    contributions: dict[str, float] | None = None
    propensity: float | None = None


@dataclass(frozen=True, slots=True)
class Slate:
    """The ordered answer. `degraded` says a part was away; `fallback_reason` why it is not personal.

    `asked_at` is the moment that a request asked for when it was not the present; `wish` is all that was in force;
    `known_as` is the user's id where it may be kept with the slate.
    """

    recommendation_id: str
    user_id: str | None
    scenario: str | None
    profile_version: int
    model_version: str
    generated_at: datetime
    degraded: bool
    fallback_reason: str | None
    items: tuple[Recommended, ...]
    timings_ms: dict[str, float] = field(default_factory=dict)
    variant: str | None = None
    known_as: str | None = None
    asked_at: datetime | None = None
    wish: Wish = field(default_factory=Wish)
    space_version: str = ""
    catalogue_version: int = 0
