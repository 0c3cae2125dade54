"""Behaviours on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.api.schemas.common import Answer, At, FaultOut, Next, Rejects


class BehaviorsReceipt(Rejects):
    """What became of a request; everything counted as accepted is on disk."""

    accepted: Annotated[int, Field(ge=0, description="New behaviours, stored.")]
    duplicates: Annotated[int, Field(ge=0, description="Repeats of behaviours that are stored already.")]
    warnings: Annotated[list[FaultOut], Field(description="Accepted, but worth a look: types without a weight, ...")]


class BehaviorOut(Answer):
    """A stored behaviour."""

    user_id: str
    behavior_id: Annotated[str, Field(description="Yours, or one made here.")]
    type: Annotated[str, Field(examples=["purchase"])]
    occurred_at: At
    item_id: str | None
    text: str | None
    value: float | None
    recommendation_id: str | None
    session_id: str | None
    scenario: str | None
    context: dict[str, Any] | None
    flag: Annotated[str | None, Field(description="Why it is kept out of profiles and statistics: `robot`, `burst`.")]


class BehaviorPage(Answer):
    items: Annotated[list[BehaviorOut], Field(description="Newest arrival first.")]
    next: Next
