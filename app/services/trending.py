"""What many turn to just now."""

from __future__ import annotations

from dataclasses import replace

from app.domain.recommendation import Recommended, Wish
from app.retrieval.trend import Trend
from app.services.context import Context
from app.services.rank import Moment, Stopwatch, rank
from app.services.tastes import NO_LEANINGS


async def trending(ctx: Context, category: str | None, limit: int) -> list[Recommended]:
    """Items of the catalogue, or of a category (a step of its paths), most wanted first; then the newest."""
    trend = tuple(generator for generator in ctx.world.generators if generator.name == Trend.name)
    world = replace(ctx.world, generators=trend)
    wish = Wish(limit=limit, category=category, diversity=0.0)
    moment = Moment(NO_LEANINGS, ctx.now().timestamp(), ctx.half_lives)
    return list(rank(world, wish, moment, Stopwatch()).items)
