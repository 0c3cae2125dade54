"""From when to when something is known of a user: what there is to travel through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from app.services.context import Context
from app.services.user_state import user_state


@dataclass(frozen=True, slots=True)
class Span:
    first_at: datetime
    last_at: datetime


async def active_span(ctx: Context, user_id: str) -> Span | None:
    """None for an unknown user, one who has done nothing, and one without consent."""
    user = await user_state(ctx, user_id)
    if user is None or not user.state.counts:
        return None
    return Span(*(datetime.fromtimestamp(at, UTC) for at in (user.state.first_at, user.state.last_at)))
