"""Recommendations as they are answered: what the scenario says is in force, and what was decided is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.recommendation import Slate
from app.domain.scenario import Wanted
from app.services.context import Context
from app.services.facet_names import facets_meant
from app.services.recommend import recommend, recommend_for
from app.storage.decisions import forget_decisions


async def decide(
    ctx: Context,
    user_id: str | None,
    said: Mapping[str, Any],
    at: datetime | None = None,
    raws: Sequence[object] = (),
) -> Slate:
    """`said` is what a request says, and only that. Otherwise as `recommend`."""
    return _recorded(ctx, await recommend(ctx, user_id, _wanted(ctx, said), at, raws))


async def decide_for(ctx: Context, raws: Sequence[object], said: Mapping[str, Any]) -> Slate:
    """As `recommend_for`."""
    return _recorded(ctx, await recommend_for(ctx, raws, _wanted(ctx, said)))


async def forget_old_decisions(ctx: Context) -> int:
    """Some of those older than the setting says; returns how many."""
    return await forget_decisions(ctx.db, ctx.decisions_days)


def _wanted(ctx: Context, said: Mapping[str, Any]) -> Wanted:
    """Raises InvalidInput for a facet that the catalogue does not know."""
    if said.get("without"):
        said = {**said, "without": facets_meant(ctx.world, said["without"], "?without")}
    return ctx.scenarios.wanted(said)


def _recorded(ctx: Context, slate: Slate) -> Slate:
    ctx.decisions.put(ctx.db, slate)
    return slate
