"""Health on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.api.schemas.common import Answer


class LiveOut(Answer):
    status: Literal["live"]


class PartOut(Answer):
    state: Annotated[
        Literal["ok", "degraded", "failed"], Field(description="degraded: answers come, but are less good.")
    ]
    reason: Annotated[str | None, Field(description="Why it is not ok, and what to do.")]


class ReadyOut(Answer):
    """Only what makes an answer impossible fails readiness."""

    ready: bool
    parts: Annotated[
        dict[str, PartOut],
        Field(description="database, migrations, durability, index, model, encoder, quarantine."),
    ]


class MeaningOut(Answer):
    """What an error code means."""

    code: str
    status: Annotated[int | None, Field(description="null: it stands at one field or one entry only.")]
    title: str
    why: str
    cure: str


class MeaningsOut(Answer):
    items: list[MeaningOut]
