"""A wish and its answer on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from app.api.deps import At as QueryAt
from app.api.deps import Id, SplitAtCommas, Text
from app.api.schemas.common import Answer, At, Attributes
from app.domain.limits import (
    DEFAULT_LIMIT,
    MAX_ATTRIBUTES,
    MAX_BEHAVIORS,
    MAX_CANDIDATES,
    MAX_CATEGORY,
    MAX_EXCLUDE,
    MAX_LIMIT,
    MAX_QUERY,
)
from app.domain.recommendation import Explain, Seen, Wish

_DEFAULT = Wish()
_Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items.", examples=[5])]
_Scenario = Annotated[Id | None, Field(description="Where it is shown; comes back in the answer.")]
_Category = Annotated[
    Text | None,
    Field(min_length=1, max_length=MAX_CATEGORY, description="A category or the beginning of its path."),
]
_Exclude = Annotated[list[Id], Field(max_length=MAX_EXCLUDE, description="Items that must not come.")]
_Seen = Annotated[
    Seen, Field(description="Which items the user knows are left out: exclude = all, purchased, include = none.")
]
_Diversity = Annotated[float, Field(ge=0, le=1, description="0: best first; 1: as different as possible.")]
_Explain = Annotated[Explain, Field(description="none: no reasons; full: also what each source contributed.")]
_Include = Annotated[
    list[Literal["item"]], SplitAtCommas, Field(description="`item`: title, categories and attributes of each item.")
]
_Filter = Annotated[Text, Field(pattern=r"^[^:]+:.+$", max_length=200, description="An attribute, `brand:private`.")]

# Cleaned by `ingest`, as those that are stored are.
_Raw = Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/BehaviorIn"})]


class WishQuery(BaseModel):
    """A wish as query parameters."""

    model_config = ConfigDict(extra="forbid")

    limit: _Limit = DEFAULT_LIMIT
    scenario: _Scenario = None
    category: _Category = None
    # An address holds 64 kB; whoever has more to say posts it.
    filter: Annotated[list[_Filter], Field(max_length=16, description="All of them must hold.")] = []
    exclude: Annotated[list[Id], Field(max_length=100, description="Items that must not come.")] = []
    seen: _Seen = _DEFAULT.seen
    diversity: _Diversity = _DEFAULT.diversity
    explain: _Explain = _DEFAULT.explain
    include: _Include = []
    at: Annotated[QueryAt | None, Field(description="As of this moment; later behaviours are not known.")] = None

    def wish(self) -> Wish:
        return Wish(
            limit=self.limit,
            scenario=self.scenario,
            category=self.category,
            attributes=dict(_name_and_value(one) for one in self.filter),
            exclude=tuple(self.exclude),
            seen=self.seen,
            diversity=self.diversity,
            explain=self.explain,
        )


def _name_and_value(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value


class WishIn(BaseModel):
    """A wish as a body: what the query parameters say, and what does not fit into them."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[_Limit, Field(strict=True)] = DEFAULT_LIMIT
    scenario: _Scenario = None
    category: _Category = None
    filter: Annotated[
        dict[Text, Text],
        Field(max_length=MAX_ATTRIBUTES, description="Attributes that must hold.", examples=[{"brand": "private"}]),
    ] = {}
    exclude: _Exclude = []
    candidates: Annotated[
        list[Id] | None, Field(max_length=MAX_CANDIDATES, description="Choose among these items only.")
    ] = None
    seen: _Seen = _DEFAULT.seen
    diversity: Annotated[_Diversity, Field(strict=True)] = _DEFAULT.diversity
    explain: _Explain = _DEFAULT.explain
    include: list[Literal["item"]] = []
    statement: Annotated[
        Text | None,
        Field(max_length=MAX_QUERY, description="What the user wants, in words.", examples=["a quick dinner for kids"]),
    ] = None

    def wish(self) -> Wish:
        return Wish(
            limit=self.limit,
            scenario=self.scenario,
            category=self.category,
            attributes=self.filter,
            exclude=tuple(self.exclude),
            candidates=None if self.candidates is None else tuple(self.candidates),
            seen=self.seen,
            diversity=self.diversity,
            explain=self.explain,
            statement=self.statement,
        )


class StatelessIn(WishIn):
    """A wish of somebody who is not stored; their behaviours come along and are forgotten."""

    behaviors: Annotated[list[_Raw], Field(max_length=MAX_BEHAVIORS)] = []


class ReasonOut(Answer):
    code: Annotated[str, Field(examples=["because_you_bought"])]
    text: Annotated[str, Field(examples=["Because you bought Mozzarella 16 oz"])]
    evidence: Annotated[list[str], Field(description="Ids of the items, or the words, that it rests on.")]


class RecommendedOut(Answer):
    item_id: str
    rank: Annotated[int, Field(ge=1)]
    score: Annotated[float, Field(description="Comparable within this answer only.")]
    source: Annotated[str, Field(description="Which way of finding items brought it up.", examples=["neighbours"])]
    reason: ReasonOut | None
    contributions: Annotated[
        dict[str, float] | SkipJsonSchema[None],
        Field(
            description="With `explain=full`: by theme what speaks for the item and against it, in log odds beside an "
            "average candidate. While no ranker has been learned: each source's share of the score."
        ),
    ] = None
    title: Annotated[str | SkipJsonSchema[None], Field(description="With `include=item`, as the next two.")] = None
    categories: list[str] | SkipJsonSchema[None] = None
    attributes: Attributes | SkipJsonSchema[None] = None


class RecommendationsOut(Answer):
    """The ordered answer to one wish."""

    recommendation_id: Annotated[str, Field(description="Send it with the behaviours that follow from this answer.")]
    user_id: str | None
    scenario: str | None
    profile_version: Annotated[int, Field(ge=0, description="Every behaviour up to it was respected.")]
    model_version: str
    generated_at: At
    degraded: Annotated[bool, Field(description="A part of the service was away, so this is less than it could be.")]
    fallback_reason: Annotated[
        str | None, Field(description="Why it is not personal, null when it is.", examples=["user_unknown"])
    ]
    items: list[RecommendedOut]


class TrendingOut(Answer):
    items: list[RecommendedOut]
