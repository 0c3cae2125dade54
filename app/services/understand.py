"""A statement in words, understood as the catalogue of this moment lets it be."""

from __future__ import annotations

import asyncio
from datetime import datetime

from app.domain.edit import Understood
from app.profiles.understand import phrases_of, understand
from app.retrieval.base import World
from app.retrieval.likeness import facets_like
from app.services.context import Context


async def understood(ctx: Context, world: World, text: str, now: datetime) -> Understood:
    """Raises Unavailable while the encoder is away and something would have to be understood by its meaning."""
    phrases = await asyncio.to_thread(phrases_of, text, world.catalogue, now)
    raw = await ctx.encoder.encode(phrases) if phrases else None

    def compiled() -> Understood:
        liked = [] if raw is None else facets_like(world.space.project(raw), world.catalogue, world.space)
        return understand(text, world.catalogue, dict(zip(phrases, liked, strict=True)), now)

    return await asyncio.to_thread(compiled)
