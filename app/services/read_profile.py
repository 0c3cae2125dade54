"""The living profile of a user, as it is now or as it was."""

from __future__ import annotations

from datetime import UTC, datetime

from app.domain.errors import NotFound
from app.domain.profile import Profile, Statement
from app.profiles.describe import describe
from app.profiles.evidence import Witnesses
from app.profiles.features import rates_of, stage_of
from app.profiles.interests import interests_of
from app.services.context import Context
from app.services.user_state import user_state

N_STATEMENTS = 5


async def read_profile(ctx: Context, user_id: str, at: datetime | None = None, evidence: bool = False) -> Profile:
    """With every behaviour committed by now, or that had occurred by `at`. Raises NotFound (`user_unknown`)."""
    user = await user_state(ctx, user_id, at)
    if user is None:
        raise NotFound(
            "Nothing is known of this user.",
            "Post a behaviour to start the profile; recommendations work for unknown users all the same.",
            code="user_unknown",
        )
    state, catalogue, space = user.state, ctx.world.catalogue, ctx.world.space
    now = (at or ctx.now()).timestamp()
    interests, avoids = interests_of(state, catalogue, space, ctx.half_lives, now)
    witnesses = Witnesses(state, catalogue, space) if evidence else None
    if witnesses is not None:
        interests = tuple(witnesses.back(one, liked=True) for one in interests)
        avoids = tuple(witnesses.back(one, liked=False) for one in avoids)
    return Profile(
        user_id=user_id,
        version=user.version,
        updated_at=user.updated_at,
        stage=stage_of(state),
        summary=describe(state, catalogue, interests, avoids, witnesses),
        interests=interests,
        avoids=avoids,
        statements=tuple(
            Statement(one.text, one.type, datetime.fromtimestamp(one.at, UTC)) for one in state.said[:N_STATEMENTS]
        ),
        rates=rates_of(state),
        counts=state.counts,
        consent=user.consent,
        attributes=user.attributes,
    )
