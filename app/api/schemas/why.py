"""Why, or why not, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.common import Answer
from app.api.schemas.recommendations import ReasonOut
from app.domain.why import Stage


class SourceWordOut(Answer):
    """What one source says of the item."""

    chance: Annotated[float, Field(description="That the user turns to it next, as far as this source can tell.")]
    rank: Annotated[int | None, Field(ge=1, description="Among what this source brought; null: it did not bring it.")]


class CounterfactualOut(Answer):
    """The rank had nothing ever been done with items of this facet."""

    facet: str
    label: str
    rank: Annotated[int | None, Field(ge=1, description="Null: no source would have brought it.")]
    text: Annotated[str, Field(examples=["Without “frozen pizza”: rank 3 -> 41"])]


class WhyOut(Answer):
    """Why an item stands where it stands in an answer, or why it is not there."""

    recommendation_id: str
    item_id: str
    title: str
    stage: Annotated[
        Stage,
        Field(
            description="Where its way ended. shown: in the answer; filter: `rule` kept it out; candidates: it is "
            "not among the best of the sources; rank: others had better scores; mix: variety or a quota gave its place "
            "to others."
        ),
    ]
    text: Annotated[str, Field(examples=["Rank 3: Because you bought Mozzarella 16 oz."])]
    rank: Annotated[
        int | None,
        Field(ge=1, description="Beyond the answer in the order of the scores; null for what was no candidate."),
    ]
    rule: Annotated[str | None, Field(examples=["seen"])]
    source: Annotated[str | None, Field(examples=["neighbours"])]
    reason: ReasonOut | None
    contributions: Annotated[dict[str, float] | None, Field(description="As with `explain=full`.")]
    sources: dict[str, SourceWordOut]
    counterfactuals: Annotated[
        list[CounterfactualOut],
        Field(description="Computed, not estimated: `GET /users/{user_id}/recommendations?without=` shows the list."),
    ]
    n_candidates: Annotated[int, Field(ge=0)]
    reproduced: Annotated[
        bool, Field(description="The ranking, computed again for this, is the one that was given; models change.")
    ]
