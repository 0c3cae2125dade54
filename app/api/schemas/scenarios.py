"""Scenarios on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.api.deps import Id
from app.api.schemas.common import Answer, At
from app.api.schemas.wishes import Adjustable
from app.domain.limits import MAX_VARIANTS


class VariantIn(Adjustable):
    """Settings of a share of the users, over those of the scenario."""

    name: Id
    share: Annotated[float, Field(strict=True, gt=0, le=1)]


def _fit(variants: list[VariantIn]) -> list[VariantIn]:
    if len({one.name for one in variants}) < len(variants):
        raise PydanticCustomError("repeated_variant", "Give every variant a name of its own.")
    if sum(one.share for one in variants) > 1 + 1e-9:
        raise PydanticCustomError("shares_too_large", "Let the shares be at most 1 together.")
    return variants


class ScenarioIn(Adjustable):
    """What holds at a place where recommendations are shown, unless a request says otherwise."""

    model_config = ConfigDict(extra="forbid")

    variants: Annotated[
        list[VariantIn],
        AfterValidator(_fit),
        Field(
            max_length=MAX_VARIANTS,
            description="By a stable hash of the user; whoever falls to none gets the scenario itself.",
        ),
    ] = Field(default_factory=list)

    def sent(self) -> dict[str, Any]:
        """As it is kept: only what was sent."""
        return self.model_dump(exclude_unset=True)


class ScenarioOut(Answer):
    name: str
    built_in: Annotated[bool, Field(description="There is one of this name without being put; DELETE returns to it.")]
    updated_at: Annotated[At | None, Field(description="Null while nothing was put over the built-in one.")]
    settings: Annotated[dict[str, Any], Field(description="What PUT takes.", examples=[{"limit": 10}])]


class ScenarioList(Answer):
    items: Annotated[list[ScenarioOut], Field(description="By name, the built-in ones among them.")]
