"""The living profile on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.api.schemas.common import Answer, At, Attributes, Next
from app.domain.edit import Kind
from app.domain.history import ChangeKind, EditEvent
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
    name: Annotated[str | None, Field(description="What the text calls the facet, the item or the words.")]
    type: Annotated[str | None, Field(description="The type of the behaviours it counts, where it is about one.")]


class SummaryOut(Answer):
    """The user in a few sentences."""

    text: Annotated[
        str, Field(examples=["Buys mostly frozen pizza and cheese. Lately buys more baby food; avoids fish."])
    ]
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
    n_purchases: Annotated[int, Field(ge=0, description="How often the items behind it were bought.")]


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


class EditOut(Answer):
    """What a person changed by hand."""

    edit_id: Annotated[str, Field(description="To withdraw it with the action `revert`.")]
    action: Annotated[str, Field(examples=["more"])]
    kind: Annotated[Kind | None, Field(description="Null for a statement, as are target and label.")]
    target: Annotated[str | None, Field(examples=["category:grocery > frozen pizza"])]
    label: Annotated[str | None, Field(examples=["frozen pizza"])]
    text: Annotated[str | None, Field(description="The statement, as it was written.")]
    in_words: Annotated[str, Field(examples=["more frozen pizza until 3 December 2026"])]
    created_at: At
    expires_at: At | None
    superseded_by: Annotated[str | None, Field(description="The newer edit of the same target, which wins.")]


class ProfileOut(Answer):
    """What the service believes about a user, made from their behaviours at this moment."""

    user_id: Annotated[str, Field(examples=["household-1"])]
    version: Annotated[int, Field(ge=0, description="Grows with every behaviour and edit.")]
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
    edits: Annotated[list[EditOut], Field(description="What a person changed by hand and still holds, newest first.")]


class ChangeOut(Answer):
    """One line of the profile that is not what it was."""

    facet: Annotated[str, Field(examples=["category:grocery > baby food"])]
    label: Annotated[str, Field(examples=["baby food"])]
    kind: Annotated[ChangeKind, Field(description="`fell` and `gone` may only mean that others took the attention.")]
    before: Annotated[float | None, Field(description="Weight as last told; null where the facet was not there.")]
    after: Annotated[float | None, Field(description="Weight now; null where the facet is not there any more.")]


class CauseOut(EvidenceOut):
    """A behaviour that moved some of what changed."""

    facets: Annotated[list[str], Field(description="Which of the changed facets it moved.")]


class EditMarkOut(Answer):
    """A change by hand that began or ceased to hold."""

    edit_id: str
    event: EditEvent
    in_words: str


class VersionOut(Answer):
    """The profile as it was at a moment, beside the version before."""

    version: Annotated[int, Field(ge=0, description="What `GET /users/{user_id}/profile?at=` says for this `at`.")]
    at: At
    n_behaviors: Annotated[int, Field(ge=0, description="Behaviours since the version before.")]
    changes: Annotated[list[ChangeOut], Field(description="The largest first; the newest version may have none.")]
    caused_by: Annotated[list[CauseOut], Field(description="The behaviours that moved most; empty for an edit.")]
    drift: Annotated[DriftOut | None, Field(description="A turn to something else that began here.")]
    edit: EditMarkOut | None


class HistoryPage(Answer):
    """How a profile became what it is."""

    user_id: Annotated[str, Field(examples=["household-1"])]
    items: Annotated[list[VersionOut], Field(description="The newest first.")]
    next: Next
    reason: Annotated[str | None, Field(description="Why there is nothing to tell; null where there is.")]
