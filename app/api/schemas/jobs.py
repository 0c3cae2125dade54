"""Long work on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app.api.schemas.common import Answer, At, Next
from app.domain.job import TRAIN_ENCODER, JobKind, JobStatus


class ParametersIn(BaseModel):
    """Only `train_encoder` has any; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    minutes: Annotated[float, Field(gt=0, le=1_440, description="How long it may train.", examples=[10])] = 10.0
    lora: Annotated[bool, Field(description="Train small matrices beside the weights; needs the package peft.")] = False


class JobIn(BaseModel):
    """Work that is wanted."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[
        Literal["train", "train_encoder", "space"],
        Field(
            description="train: learn from all behaviours; train_encoder: tune the text encoder on them; space: index "
            "the items anew.",
            examples=["train"],
        ),
    ]
    parameters: ParametersIn = ParametersIn()

    @field_validator("parameters")
    @classmethod
    def _of_this_kind(cls, parameters: ParametersIn, others: ValidationInfo) -> ParametersIn:
        if parameters.model_fields_set and others.data.get("kind", TRAIN_ENCODER) != TRAIN_ENCODER:
            raise PydanticCustomError("no_parameters", "Input should be empty: only train_encoder has parameters")
        return parameters


class JobLine(Answer):
    """A job and how far it is."""

    job_id: str
    kind: JobKind
    parameters: dict[str, Any]
    status: JobStatus
    progress: Annotated[float, Field(ge=0, le=1)]
    stage: Annotated[str, Field(description="What it is doing, or did last.")]
    result: Annotated[
        dict[str, Any] | None,
        Field(
            description="Of one that is done: the version it made (null: nothing to learn from), whether that was "
            "promoted, and the verdict. Of an erasure: the receipt, with how many rows of each table were deleted, "
            "signed with the secret of the service."
        ),
    ]
    error: Annotated[str | None, Field(description="Why it failed.")]
    cancel_requested: bool
    created_at: At
    started_at: At | None
    ended_at: At | None


class JobOut(JobLine):
    log: Annotated[list[str], Field(description="Its last stages, each with its time.", max_length=100)]


class JobPage(Answer):
    items: Annotated[list[JobLine], Field(description="The latest first.")]
    next: Next
