"""Recommendations as they are answered: what the scenario says is in force, and what was decided is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.recommendation import Slate
from app.services.context import Context
from app.services.recommend import recommend, recommend_for
from app.storage.decisions import forget_decisions


async def decide(ctx: Context, user_id: str | None, said: Mapping[str, Any], at: datetime | None = None) -> Slate:
    """`said` is what a request says, and only that. Otherwise as `recommend`."""
    return _recorded(ctx, await recommend(ctx, user_id, ctx.scenarios.wanted(said), at))


async def decide_for(ctx: Context, raws: Sequence[object], said: Mapping[str, Any]) -> Slate:
    """As `recommend_for`."""
    return _recorded(ctx, await recommend_for(ctx, raws, ctx.scenarios.wanted(said)))


async def forget_old_decisions(ctx: Context) -> int:
    """Some of those older than the setting says; returns how many."""
    return await forget_decisions(ctx.db, ctx.decisions_days)


def _recorded(ctx: Context, slate: Slate) -> Slate:
    ctx.decisions.put(ctx.db, slate)
    return slate
