"""The answer to a wish on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from app.api.schemas.common import Answer, At, Attributes


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
    propensity: Annotated[
        float | SkipJsonSchema[None],
        Field(gt=0, le=1, description="Of a place that was drawn (source `explore`): the chance of just this item."),
    ] = None
    title: Annotated[str | SkipJsonSchema[None], Field(description="With `include=item`, as the next two.")] = None
    categories: list[str] | SkipJsonSchema[None] = None
    attributes: Attributes | SkipJsonSchema[None] = None


class RecommendationsOut(Answer):
    """The ordered answer to one wish."""

    recommendation_id: Annotated[str, Field(description="Send it with the behaviours that follow from this answer.")]
    user_id: str | None
    scenario: str | None
    variant: Annotated[str | None, Field(description="Of the scenario, by the user; null for the scenario itself.")]
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


class DecidedOut(Answer):
    """One item of a slate that was given earlier."""

    item_id: str
    rank: Annotated[int, Field(ge=1)]
    score: float
    source: str
    propensity: Annotated[float | None, Field(description="Null for a place that was not drawn.")]


class DecisionOut(Answer):
    """What was recommended once, and all that it was made from."""

    recommendation_id: str
    user_id: Annotated[str | None, Field(description="Null for visitors and for users without consent.")]
    scenario: str | None
    variant: str | None
    generated_at: At
    asked_at: Annotated[At | None, Field(description="The `at` of the request; null where there was none.")]
    profile_version: int
    model_version: str
    space_version: str
    catalogue_version: int
    wish: Annotated[dict[str, Any], Field(description="All that was in force, whether asked for or by the scenario.")]
    degraded: bool
    fallback_reason: str | None
    items: list[DecidedOut]
