"""What was learned, what was judged of it, and the work that makes it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.console.deps import Ctx
from app.console.page_route import PageRoute
from app.console.render import page
from app.services.jobs import list_jobs
from app.services.manage_models import list_models

router = APIRouter(route_class=PageRoute, include_in_schema=False)

N_MODELS = 30
N_JOBS = 15


@router.get("/console/models")
async def models_page(request: Request, ctx: Ctx) -> Response:
    jobs = await list_jobs(ctx.db, None, N_JOBS)
    return page(
        request,
        "models.html",
        now=ctx.now(),
        models=await list_models(ctx.db, None, None, N_MODELS),
        jobs=jobs,
        busy=any(not job.ended for job in jobs),
    )
