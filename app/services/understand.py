"""A statement in words, understood."""

from __future__ import annotations

from app.domain.edit import Understood
from app.retrieval.base import World
from app.services.context import Context


async def understood(ctx: Context, world: World, text: str) -> Understood:
    """Raises Unavailable while the encoder is away."""
    return Understood(unclear=(text,))
