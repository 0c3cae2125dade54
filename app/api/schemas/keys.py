"""API keys on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.deps import Text
from app.api.schemas.common import Answer, At, Next
from app.domain.access import Scope
from app.domain.limits import MAX_KEY_NAME, MAX_RATE
from app.ingest.moments import Moment

_Rate = Annotated[int, Field(ge=0, le=MAX_RATE)]


class KeyIn(BaseModel):
    """A key that is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[Text, Field(min_length=1, max_length=MAX_KEY_NAME, description="Whose it is.", examples=["shop"])]
    scopes: Annotated[
        list[Scope], Field(min_length=1, max_length=20, description="What it may do; `admin` implies all others.")
    ]
    expires_at: Annotated[Moment | None, Field(description="null: never.")] = None
    rate_limit: Annotated[
        _Rate | None, Field(description="Requests a minute; 0: as many as it likes; null: as PORTRAIT_RATE_LIMIT says.")
    ] = None


class KeyOut(Answer):
    """A key, without its secret."""

    key_id: Annotated[str, Field(examples=["3f9a1c2b4d5e"])]
    name: str
    scopes: list[Scope]
    rate_limit: int | None
    created_at: At
    expires_at: At | None
    revoked_at: At | None
    last_used_at: Annotated[At | None, Field(description="To the hour.")]


class NewKeyOut(KeyOut):
    key: Annotated[str, Field(description="The key itself. It is shown once; only its SHA-256 is kept.")]


class KeyPage(Answer):
    items: Annotated[list[KeyOut], Field(description="In order of their ids, revoked ones too.")]
    next: Next
