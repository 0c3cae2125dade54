"""Versions of models on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.schemas.common import Answer, At, Next

ModelKind = Literal["generators", "space", "encoder"]


class ModelOut(Answer):
    """A version of what was learned."""

    version: int
    kind: Annotated[
        ModelKind,
        Field(
            description="generators: everything learned from behaviours; space: the index of the items; encoder: a "
            "text encoder tuned on behaviours, which serves where PORTRAIT_ENCODER_MODEL names its folder."
        ),
    ]
    live: Annotated[bool, Field(description="It serves now; an encoder: it was promoted last.")]
    promoted_at: Annotated[At | None, Field(description="null: a challenger that lost.")]
    created_at: At
    about: Annotated[dict[str, Any], Field(description="What it was made from.")]
    verdict: Annotated[
        dict[str, Any] | None, Field(description="What the gate said: promoted, reasons, figures; null: not judged.")
    ]


class ModelPage(Answer):
    items: Annotated[list[ModelOut], Field(description="The newest version first.")]
    next: Next
