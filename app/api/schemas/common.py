"""What every call shares: how an answer is written, and how a failure is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """Base of all answers. Fields are only ever added, so a client should pass over those it does not know."""

    model_config = ConfigDict(extra="forbid")


class FaultOut(Answer):
    """One thing that is wrong."""

    index: Annotated[int, Field(description="The entry of a bulk request, from 0.", ge=0)] = 0
    code: Annotated[str, Field(examples=["unknown_field"])]
    pointer: Annotated[
        str,
        Field(
            description="Where: a JSON pointer into the body, `?name` for the query, `{name}` for the path.",
            examples=["/17/occurred_at"],
        ),
    ]
    detail: Annotated[str, Field(examples=["This field is not known."])]
    hint: Annotated[str, Field(examples=["Did you mean `occurred_at`?"])]


class Problem(Answer):
    """A failure as RFC 9457 writes it; `code` is stable, texts are for people."""

    type: Annotated[str, Field(description="A page of this service that explains the code.")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: Annotated[str, Field(description="This failure, once.")]
    code: str
    hint: Annotated[str, Field(description="What to do about it.")]
    request_id: Annotated[str, Field(description="Also in the header `X-Request-Id` and in the service's log.")]
    errors: list[FaultOut]


class Rejects(Answer):
    rejected: Annotated[int, Field(ge=0, description="Entries that were not taken; `errors` says why.")]
    errors: list[FaultOut]


Attributes = Annotated[dict[str, Any], Field(examples=[{"brand": "private", "organic": True}])]
At = Annotated[datetime, Field(examples=["2026-11-24T09:30:00Z"])]
Next = Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null on the last.")]
