"""What runs, how much there is, what serves and what is wanted just now."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from fastapi import APIRouter, Request, Response

from app.console.deps import Ctx
from app.console.page_route import PageRoute
from app.console.render import looks, page
from app.domain.errors import Unavailable
from app.domain.job import Job
from app.services.context import Context
from app.services.count_all import count_all
from app.services.health import check_health
from app.services.jobs import list_jobs
from app.services.manage_models import list_models
from app.services.manage_users import list_users
from app.services.trending import trending
from app.storage.models import StoredModel

router = APIRouter(route_class=PageRoute, include_in_schema=False)

N_TRENDING = 8
N_USERS = 8
_N_MODELS = 50  # among so many of the newest versions lies the live one of each kind
_N_JOBS = 10
T = TypeVar("T")


@router.get("/console")
async def start(request: Request, ctx: Ctx) -> Response:
    """Comes also while the database is away, and says so."""
    return page(
        request,
        "start.html",
        now=ctx.now(),
        health=await check_health(ctx, request.app.state.follower.problems),
        counts=await _or_none(count_all(ctx)),
        models=await _or_none(_live(ctx)),
        jobs=await _or_none(_unfinished(ctx)),
        users=await _or_none(list_users(ctx, None, N_USERS)),
        trending=await trending(ctx, None, N_TRENDING),
        **looks(ctx.world.catalogue),
    )


async def _live(ctx: Context) -> list[StoredModel]:
    return [model for model in await list_models(ctx.db, None, None, _N_MODELS) if model.live]


async def _unfinished(ctx: Context) -> list[Job]:
    return [job for job in await list_jobs(ctx.db, None, _N_JOBS) if not job.ended]


async def _or_none(part: Awaitable[T]) -> T | None:
    try:
        return await part
    except Unavailable:
        return None
