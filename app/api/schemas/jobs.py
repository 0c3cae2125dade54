"""Long work on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Answer, At, Next
from app.domain.job import JobKind, JobStatus


class ParametersIn(BaseModel):
    """No kind has parameters yet; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


class JobIn(BaseModel):
    """Work that is wanted."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[
        JobKind, Field(description="train: learn from all behaviours; space: index the items anew.", examples=["train"])
    ]
    parameters: ParametersIn = ParametersIn()


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
            "promoted, and the verdict."
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
