"""The living profile of a user, as it is now or as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from app.domain.errors import NotFound
from app.domain.profile import Profile, Statement
from app.profiles.describe import describe
from app.profiles.evidence import Witnesses
from app.profiles.features import rates_of, stage_of
from app.profiles.interests import interests_of
from app.retrieval.base import World
from app.services.context import Context
from app.services.kept import Kept
from app.services.user_state import UserState, user_state

N_STATEMENTS = 5
# About 10 kB each.
MOST_PROFILES = 2000


async def read_profile(ctx: Context, user_id: str, at: datetime | None = None, evidence: bool = False) -> Profile:
    """With every behaviour committed by now, or that had occurred by `at`. Raises NotFound (`user_unknown`)."""
    user = await user_state(ctx, user_id, at)
    if user is None:
        raise NotFound(
            "Nothing is known of this user.",
            "Post a behaviour to start the profile; recommendations work for unknown users all the same.",
            code="user_unknown",
        )
    if at is not None or evidence:
        return _profile(ctx, user, ctx.world, (at or ctx.now()).timestamp(), evidence)
    # Without a new behaviour the profile stands still, as long as its latest one is not in the future.
    profiles = _kept.setdefault(ctx.world, Kept(MOST_PROFILES))
    version = (user.version, user.updated_at, user.consent)
    return profiles.get(user_id, version, lambda: _profile(ctx, user, ctx.world, ctx.now().timestamp(), False))


_kept: WeakKeyDictionary[World, Kept[Profile]] = WeakKeyDictionary()


def _profile(ctx: Context, user: UserState, world: World, now: float, evidence: bool) -> Profile:
    state, catalogue, space = user.state, world.catalogue, world.space
    interests, avoids = interests_of(state, catalogue, space, ctx.half_lives, now)
    witnesses = Witnesses(state, catalogue, space) if evidence else None
    if witnesses is not None:
        interests = tuple(witnesses.back(one, liked=True) for one in interests)
        avoids = tuple(witnesses.back(one, liked=False) for one in avoids)
    return Profile(
        user_id=user.user_id,
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
