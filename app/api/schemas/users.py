"""Users on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.deps import Id, Text
from app.api.schemas.common import Answer, At, Attributes, Next
from app.domain.limits import MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_TEXT, MAX_ATTRIBUTES

_Name = Annotated[Text, Field(min_length=1, max_length=MAX_ATTRIBUTE_NAME)]
_Value = (
    Annotated[Text, Field(max_length=MAX_ATTRIBUTE_TEXT)]
    | bool
    | Annotated[int, Field(ge=-(2**63), lt=2**63)]
    | Annotated[float, Field(allow_inf_nan=False)]
)
_Attributes = Annotated[
    dict[_Name, _Value], Field(max_length=MAX_ATTRIBUTES, examples=[{"age_band": "35-44", "household_size": 3}])
]
_Changes = Annotated[
    dict[_Name, _Value | None],
    Field(max_length=MAX_ATTRIBUTES, examples=[{"age_band": "45-54", "household_size": None}]),
]


class UserIn(BaseModel):
    """What is known of a user beside their behaviours."""

    model_config = ConfigDict(extra="forbid", strict=True)

    attributes: _Attributes = {}


class UserPatch(BaseModel):
    """Attributes to change; null removes one, those not named stay."""

    model_config = ConfigDict(extra="forbid", strict=True)

    attributes: _Changes = {}


class ConsentIn(BaseModel):
    """Whether the user agrees to being profiled."""

    model_config = ConfigDict(extra="forbid", strict=True)

    consent: bool


class MergeIn(BaseModel):
    """Another id of the same person."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Annotated[
        Id,
        Field(
            alias="from", description="A visitor (`session:<session_id>`), or any other user.", examples=["session:s-1"]
        ),
    ]


class MergeOut(Answer):
    """What became of a merge."""

    user_id: Annotated[str, Field(description="Whose both ids are now.")]
    moved: Annotated[int, Field(ge=0, description="Behaviours that are the user's now.")]
    duplicates: Annotated[int, Field(ge=0, description="Behaviours that were stored under both ids, the same.")]
    conflicts: Annotated[
        list[str], Field(description="Ids of behaviours stored under both with other contents; the user's own stand.")
    ]


class UserOut(Answer):
    user_id: Annotated[str, Field(examples=["household-1"])]
    attributes: Attributes
    consent: bool
    version: Annotated[int, Field(ge=0, description="Grows with every behaviour; the version of the profile.")]
    created_at: At | None
    updated_at: At | None


class UserPage(Answer):
    items: Annotated[list[UserOut], Field(description="In order of their ids.")]
    next: Next
