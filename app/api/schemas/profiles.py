"""The living profile on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.common import Answer, At, Attributes
from app.domain.profile import Horizon, Stage, Trend


class EvidenceOut(Answer):
    """A behaviour that stands behind a claim."""

    behavior_id: str
    type: str
    occurred_at: At
    item_id: str | None
    title: str | None
    text: str | None


class ClaimOut(Answer):
    """One thing the summary says."""

    text: str
    facet: str | None
    item_id: str | None
    evidence: list[EvidenceOut]


class SummaryOut(Answer):
    """The user in a few sentences."""

    text: Annotated[str, Field(examples=["Turns to frozen pizza and cheese, lately also to baby food."])]
    generated_by: Annotated[str, Field(examples=["template"])]
    evidence: list[EvidenceOut]
    claims: Annotated[list[ClaimOut], Field(description="What the sentences say, one by one.")]


class InterestOut(Answer):
    facet: Annotated[str, Field(examples=["category:grocery > frozen pizza"])]
    label: Annotated[str, Field(examples=["frozen pizza"])]
    weight: Annotated[float, Field(description="Share of the user's attention (or refusals), 0 to 1.", ge=0, le=1)]
    horizon: Horizon
    trend: Trend
    n_evidence: Annotated[int, Field(ge=0)]
    last_at: At
    edited: Annotated[bool, Field(description="A person changed it by hand; that wins over what was learned.")]
    evidence: Annotated[list[EvidenceOut], Field(description="Filled with `include=evidence`.")]


class StatementOut(Answer):
    """Something the user said in words."""

    text: str
    type: Annotated[str, Field(examples=["search"])]
    at: At


class RatesOut(Answer):
    activity: Annotated[float, Field(description="Behaviours an active day.")]
    click: Annotated[float | None, Field(description="Clicks an impression; null without impressions.")]
    purchase: Annotated[float | None, Field(description="Purchases a click; null without clicks.")]


class DriftOut(Answer):
    """A turn to something else."""

    score: Annotated[float, Field(description="From a turn that may be chance (0) to a certain one.", ge=0, le=1)]
    since_at: At
    from_facets: list[str]
    to_facets: list[str]
    from_labels: Annotated[list[str], Field(examples=[["frozen pizza"]])]
    to_labels: Annotated[list[str], Field(examples=[["baby food"]])]


class ProfileOut(Answer):
    """What the service believes about a user, made from their behaviours at this moment."""

    user_id: Annotated[str, Field(examples=["household-1"])]
    version: Annotated[int, Field(ge=0, description="Grows with every behaviour.")]
    updated_at: At
    stage: Annotated[Stage, Field(description="new: under 5 interactions, warming: under 30.")]
    summary: SummaryOut
    interests: list[InterestOut]
    avoids: list[InterestOut]
    statements: list[StatementOut]
    rates: RatesOut
    counts: Annotated[dict[str, int], Field(description="Behaviours by type.", examples=[{"purchase": 41}])]
    consent: bool
    segment: Annotated[str | None, Field(description="People who behave alike.", examples=["busy, broad shoppers"])]
    topics: Annotated[list[str], Field(description="What they are after, as far as others are after it too.")]
    drift: Annotated[DriftOut | None, Field(description="Null for who is steady, or too new to tell.")]
    attributes: Attributes
