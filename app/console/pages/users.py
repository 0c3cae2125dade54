"""One user: the profile, what would be shown now and why, and what they did; also as it was."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from app.console.deps import At, Ctx, Id, Name
from app.console.page_route import PageRoute
from app.console.preview import Kind, preview
from app.console.render import looks, page
from app.domain.behavior import Behavior
from app.domain.errors import NotFound
from app.domain.limits import MAX_STATEMENT
from app.services.active_span import active_span
from app.services.context import Context
from app.services.decide import decide
from app.services.manage_users import list_behaviors
from app.services.read_history import Span, read_history
from app.services.read_profile import read_profile

router = APIRouter(route_class=PageRoute, include_in_schema=False)

N_RECOMMENDED = 12
N_BEHAVIORS = 20
N_VERSIONS = 10
# A label for the figures: what was only looked at here stays apart from what users were shown.
LOOKED_AT = "console"


class View(BaseModel):
    """`before` is the place in the log behind which behaviours are listed; `say` is a change to be tried out: a
    statement, or the facet that there should be `change` of.
    """

    at: At = None
    evidence: bool = False
    history: bool = False
    before: Annotated[int | None, Field(ge=1, lt=2**62)] = None
    scenario: Name = None
    change: Kind = "statement"
    say: Annotated[str, Field(max_length=MAX_STATEMENT)] = ""

    @property
    def words(self) -> str:
        return self.say.replace("\x00", "").strip()

    @property
    def wish(self) -> dict[str, Any]:
        """What a scenario says holds; without one it is a short list."""
        return {"scenario": self.scenario} if self.scenario else {"scenario": LOOKED_AT, "limit": N_RECOMMENDED}


@router.get("/console/users/{user_id}")
async def user_page(request: Request, ctx: Ctx, user_id: Id, view: Annotated[View, Query()]) -> Response:
    now = ctx.now()
    at = view.at if view.at is not None and view.at < now else None
    told: dict[str, Any] = {
        "user_id": user_id,
        "now": now,
        "at": at,
        "view": view,
        **looks(ctx.world.catalogue),
        "scenarios": [scenario.name for scenario in ctx.scenarios.all()],
        "preview": await preview(ctx, user_id, view.change, view.words) if view.words and not at else None,
        "slate": await decide(ctx, user_id, view.wish, at),
    }
    try:
        profile = await read_profile(ctx, user_id, at, view.evidence)
    except NotFound:
        return page(request, "unknown_user.html", 404, **told, edits=(), may_edit=at is None)
    told |= {"edits": profile.edits, "may_edit": at is None and profile.consent}
    log = await _log(ctx, user_id, view.before)
    history = await read_history(ctx, user_id, Span(until=at), None, N_VERSIONS) if view.history else None
    travel = await _travel(ctx, user_id, at, now)
    return page(request, "user.html", **told, **log, profile=profile, history=history, travel=travel)


async def _log(ctx: Context, user_id: str, before: int | None) -> dict[str, Any]:
    """A page of the log, and where the next one begins."""
    found: list[tuple[int, Behavior]] = await list_behaviors(ctx, user_id, before, N_BEHAVIORS + 1)
    shown = found[:N_BEHAVIORS]
    return {
        "behaviors": [behavior for _, behavior in shown],
        "older": shown[-1][0] if len(found) > len(shown) else None,
    }


async def _travel(ctx: Context, user_id: str, at: datetime | None, now: datetime) -> dict[str, Any] | None:
    """Days one may go back to, counted from the first; None where there is nothing to travel through."""
    span = await active_span(ctx, user_id)
    if span is None:
        return None
    n_days = (now.date() - span.first_at.date()).days
    shown = n_days if at is None else max(0, min(n_days, (at.date() - span.first_at.date()).days))
    return {"first_at": span.first_at, "n_days": n_days, "shown": shown}
