"""Items on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.common import Answer, At, Attributes, Next, Rejects


class ItemsReceipt(Rejects):
    """What became of a bulk request."""

    accepted: Annotated[int, Field(ge=0, description="Items that are stored as sent.")]
    changed: Annotated[int, Field(ge=0, description="Those of them that were new or differed from what was stored.")]


class ItemOut(Answer):
    """An item of the catalogue."""

    item_id: Annotated[str, Field(examples=["product-819312"])]
    title: Annotated[str, Field(examples=["Frozen pizza margherita 12 oz"])]
    description: str
    categories: Annotated[list[str], Field(examples=[["Grocery > Frozen pizza"]])]
    attributes: Attributes
    domain: str | None
    available: Annotated[bool, Field(description="False: kept, never recommended.")]
    published_at: At | None


class ItemPage(Answer):
    items: Annotated[list[ItemOut], Field(description="In order of their ids.")]
    next: Next


class FoundItem(Answer):
    item_id: str
    rank: Annotated[int, Field(ge=1)]
    score: Annotated[float, Field(description="Comparable within this answer only.")]
    title: str
    categories: list[str]
    attributes: Attributes


class FoundItems(Answer):
    degraded: Annotated[bool, Field(description="True when meaning could not be compared, only words.")]
    items: Annotated[list[FoundItem], Field(description="Best first.")]
