"""What came of recommendations, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.common import Answer, At
from app.domain.attribution import By

_Count = Annotated[int, Field(ge=0)]


class RateOut(Answer):
    """A share, with the interval (Wilson, 95 %) in which the true one lies."""

    rate: Annotated[float, Field(ge=0, le=1)]
    low: Annotated[float, Field(ge=0, le=1)]
    high: Annotated[float, Field(ge=0, le=1)]


class PositionOut(Answer):
    position: Annotated[int, Field(ge=1)]
    n_slates: _Count
    n_shown: _Count
    n_clicked: _Count
    n_purchased: _Count
    click_through: RateOut | None
    purchase_rate: RateOut | None


class GroupOut(Answer):
    """Counts of items: each that was shown counts once a slate, as shown and as followed."""

    key: Annotated[str | None, Field(description="Null: of slates without one.", examples=["home"])]
    n_slates: Annotated[int, Field(ge=0, description="Slates that hold such items.")]
    n_shown: _Count
    n_clicked: Annotated[int, Field(ge=0, description="Followed by a click, view or watch.")]
    n_purchased: _Count
    click_through: RateOut | None
    purchase_rate: RateOut | None
    positions: Annotated[list[PositionOut], Field(description="The same by place in the slate.")]


class AttributionOut(Answer):
    since: At
    until: At
    by: By
    within_days: Annotated[float, Field(description="How long after the slate a behaviour is counted for it.")]
    groups: Annotated[list[GroupOut], Field(description="Most shown first.")]
