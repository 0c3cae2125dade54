"""A wish on the wire: what a request may say, and what a scenario may say in its stead."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.api.deps import At as QueryAt
from app.api.deps import Id, SplitAtCommas, Text
from app.domain.limits import (
    DEFAULT_LIMIT,
    MAX_ATTRIBUTES,
    MAX_BEHAVIORS,
    MAX_CANDIDATES,
    MAX_CATEGORY,
    MAX_CONTEXT_ITEMS,
    MAX_EXCLUDE,
    MAX_EXPLORATION,
    MAX_FACTOR,
    MAX_ID,
    MAX_LIMIT,
    MAX_QUERY,
    MAX_RULES,
)
from app.domain.recommendation import Explain, Ranking, Seen, Wish
from app.retrieval.features import SOURCES


def _known_source(name: str) -> str:
    if name in SOURCES:
        return name
    near = get_close_matches(name[:MAX_ID], SOURCES, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Known sources: {', '.join(SOURCES)}."
    raise PydanticCustomError("unknown_source", hint)


def _count_or_share(value: float) -> float:
    if value >= 1 and not value.is_integer():
        raise PydanticCustomError("invalid_quota", "A whole number of items, or a share of the places below 1.")
    return value


_DEFAULT = Wish()
_Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items.", examples=[5])]
_Scenario = Annotated[
    Id | None,
    Field(description="Where it is shown: its settings hold where the request is silent. Comes back in the answer."),
]
_Category = Annotated[
    Text | None,
    Field(min_length=1, max_length=MAX_CATEGORY, description="A category or the beginning of its path."),
]
_Domain = Annotated[
    Text | None, Field(min_length=1, max_length=MAX_ID, description="Only items of this domain.", examples=["films"])
]
_CrossDomain = Annotated[
    bool, Field(description="false: of the past only what was done in `domain` counts, beside what was said in words.")
]
_Exclude = Annotated[list[Id], Field(max_length=MAX_EXCLUDE, description="Items that must not come.")]
_Seen = Annotated[
    Seen, Field(description="Which items the user knows are left out: exclude = all, purchased, include = none.")
]
_Diversity = Annotated[float, Field(ge=0, le=1, description="0: best first; 1: as different as possible.")]
_Exploration = Annotated[
    float,
    Field(ge=0, le=MAX_EXPLORATION, description="Share of the last places that are drawn, one at least; 0: none."),
]
_ContextItems = Annotated[
    list[Id],
    Field(
        max_length=MAX_CONTEXT_ITEMS,
        description="What is at hand, a product or a basket: what goes with it comes, it does not come itself.",
    ),
]
_Without = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=MAX_CATEGORY)]],
    Field(
        max_length=MAX_RULES,
        description="Facets that the past says nothing about: the list as if nothing had been done with such items.",
        examples=[["frozen pizza"]],
    ),
]
_Explain = Annotated[Explain, Field(description="none: no reasons; full: also what each source contributed.")]
_Include = Annotated[
    list[Literal["item"]], SplitAtCommas, Field(description="`item`: title, categories and attributes of each item.")
]
_Filter = Annotated[Text, Field(pattern=r"^[^:]+:.+$", max_length=200, description="An attribute, `brand:private`.")]
_Factor = Annotated[float, Field(strict=True, ge=0, le=MAX_FACTOR)]
_Sources = Annotated[
    dict[Annotated[str, AfterValidator(_known_source)], _Factor],
    Field(description="0 switches a source off, another number scales its part.", examples=[{"trend": 0}]),
]
_Boosted = Annotated[
    dict[_Filter, _Factor],
    Field(
        max_length=MAX_RULES,
        description="By facet, what the scores are multiplied by.",
        examples=[{"category:cheese": 1.5, "brand:private": 0.5}],
    ),
]
_Quotas = Annotated[
    dict[
        Annotated[Text, Field(min_length=1, max_length=MAX_CATEGORY)],
        Annotated[float, Field(strict=True, ge=0, le=MAX_LIMIT), AfterValidator(_count_or_share)],
    ],
    Field(
        max_length=MAX_RULES,
        description="By category, at most so many items, or below 1 at most this share of the places.",
        examples=[{"cheese": 2, "wine": 0.25}],
    ),
]

# Cleaned by `ingest`, as those that are stored are.
_Raw = Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/BehaviorIn"})]


class WishQuery(BaseModel):
    """A wish as query parameters."""

    model_config = ConfigDict(extra="forbid")

    limit: _Limit = DEFAULT_LIMIT
    scenario: _Scenario = None
    category: _Category = None
    domain: _Domain = None
    cross_domain: _CrossDomain = _DEFAULT.cross_domain
    # An address holds 64 kB; whoever has more to say posts it.
    filter: Annotated[list[_Filter], Field(max_length=16, description="All of them must hold.")] = []
    exclude: Annotated[list[Id], Field(max_length=100, description="Items that must not come.")] = []
    context_items: _ContextItems = []
    seen: _Seen = _DEFAULT.seen
    diversity: _Diversity = _DEFAULT.diversity
    exploration: _Exploration = _DEFAULT.exploration
    explain: _Explain = _DEFAULT.explain
    without: _Without = []
    include: _Include = []
    at: Annotated[QueryAt | None, Field(description="As of this moment; later behaviours are not known.")] = None

    def said(self) -> dict[str, Any]:
        """Only what was sent, as a body would say it."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        if "filter" in said:
            said["filter"] = dict(_name_and_value(one) for one in self.filter)
        return said


def _name_and_value(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value


class Adjustable(BaseModel):
    """What a request, a scenario or a variant of one may say."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[_Limit, Field(strict=True)] = DEFAULT_LIMIT
    category: _Category = None
    domain: _Domain = None
    cross_domain: Annotated[_CrossDomain, Field(strict=True)] = _DEFAULT.cross_domain
    filter: Annotated[
        dict[Text, Text],
        Field(max_length=MAX_ATTRIBUTES, description="Attributes that must hold.", examples=[{"brand": "private"}]),
    ] = {}
    seen: _Seen = _DEFAULT.seen
    diversity: Annotated[_Diversity, Field(strict=True)] = _DEFAULT.diversity
    exploration: Annotated[_Exploration, Field(strict=True)] = _DEFAULT.exploration
    sources: _Sources = {}
    boosted: _Boosted = {}
    pinned: Annotated[
        list[Id], Field(max_length=MAX_LIMIT, description="Items that come first, where they may come at all.")
    ] = []
    quotas: _Quotas = {}
    ranking: Annotated[
        Ranking, Field(description="plain: by the mixture of the sources, whatever ranker was learned.")
    ] = _DEFAULT.ranking
    explain: _Explain = _DEFAULT.explain

    def said(self) -> dict[str, Any]:
        """Only what was sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class WishIn(Adjustable):
    """A wish as a body: what the query parameters say, and what does not fit into them."""

    scenario: _Scenario = None
    exclude: _Exclude = []
    candidates: Annotated[
        list[Id] | None, Field(max_length=MAX_CANDIDATES, description="Choose among these items only.")
    ] = None
    context_items: _ContextItems = []
    without: _Without = []
    include: list[Literal["item"]] = []
    statement: Annotated[
        Text | None,
        Field(max_length=MAX_QUERY, description="What the user wants, in words.", examples=["a quick dinner for kids"]),
    ] = None


class SessionWishIn(WishIn):
    """A wish of a stored user; what they did in this session may come along and is forgotten."""

    behaviors: Annotated[
        list[_Raw],
        Field(
            max_length=MAX_BEHAVIORS, description="Count as if they had just been stored. `user_id` may be left out."
        ),
    ] = []


class StatelessIn(WishIn):
    """A wish of somebody who is not stored; their behaviours come along and are forgotten."""

    behaviors: Annotated[list[_Raw], Field(max_length=MAX_BEHAVIORS)] = []
