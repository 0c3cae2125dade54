"""The living profile of a user, as it is now or as it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

from app.domain.errors import Fault, InvalidInput, NotFound
from app.domain.profile import Interest, Profile, Statement
from app.profiles.decay import DAY_S
from app.profiles.describe import describe
from app.profiles.edits import held, told, touched
from app.profiles.evidence import asked_for, prove
from app.profiles.features import rates_of, stage_of
from app.profiles.habits import habits_of
from app.profiles.interests import interests_of
from app.profiles.people import standing_of
from app.profiles.state import State
from app.retrieval.base import World
from app.services.context import Context
from app.services.kept import Kept
from app.services.narrations import narrated
from app.services.user_state import UserState, interactions_of, user_state
from app.storage.profiles import load_log_until

N_STATEMENTS = 5
N_HABITS = 2
# About 10 kB each.
MOST_PROFILES = 1000
_ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)


async def read_profile(ctx: Context, user_id: str, at: datetime | None = None, evidence: bool = False) -> Profile:
    """With every behaviour committed by now, or that had occurred by `at`. Raises NotFound (`user_unknown`), and
    InvalidInput for a moment that has not come.

    `evidence` brings the newest behaviours behind each claim; it loads the user's whole log.
    """
    if at is not None and at > ctx.now() + timedelta(minutes=ctx.ingest.future_minutes):
        raise _not_yet(ctx.now())
    user = await user_state(ctx, user_id, at)
    if user is None:
        raise NotFound(
            "Nothing is known of this user.",
            "Post a behaviour to start the profile; recommendations work for unknown users all the same.",
            code="user_unknown",
        )
    profile = await _told(ctx, user, at, evidence)
    return profile if at is not None else await narrated(ctx, profile)


async def _told(ctx: Context, user: UserState, at: datetime | None, evidence: bool) -> Profile:
    world = ctx.world
    profile = _kept_profile(ctx, user) if at is None else profile_of(ctx, user, world, at.timestamp(), past=True)
    return await _with_evidence(ctx, profile, user.state, world, at) if evidence else profile


async def profile_now(ctx: Context, user: UserState) -> Profile:
    """As `read_profile` answers without a moment."""
    return await narrated(ctx, _kept_profile(ctx, user))


def _kept_profile(ctx: Context, user: UserState) -> Profile:
    """Worked out once: without news it stands still, but for edits that expire and a new day."""
    world, now = ctx.world, ctx.now().timestamp()
    edits = tuple(edit.seq for edit in user.edits)
    version = (user.version, user.updated_at, user.consent, edits, now // DAY_S)
    profiles = _kept.setdefault(world, Kept(MOST_PROFILES))
    return profiles.get(user.user_id, version, lambda: profile_of(ctx, user, world, now))


_kept: WeakKeyDictionary[World, Kept[Profile]] = WeakKeyDictionary()


def profile_of(ctx: Context, user: UserState, world: World, now: float, past: bool = False) -> Profile:
    """`now` in seconds since 1970; `past` says that it is a moment before this one."""
    state = user.state
    found, avoided = interests_of(state, world.catalogue, world.space, ctx.half_lives, now)
    interests, avoids = touched(found, avoided, user.edits)
    # The summary says what somebody does by what they did, and what they asked for in words of its own.
    done, undone = _left(found, interests), _left(avoided, avoids)
    habits = habits_of(state, world.catalogue, min(now, state.last_at), N_HABITS)
    standing = standing_of(state, world.catalogue, world.space, ctx.half_lives, world.people)
    return Profile(
        user_id=user.user_id,
        version=user.version,
        updated_at=user.updated_at,
        stage=stage_of(state),
        summary=told(describe(state, done, undone, habits, now, standing, past), user.edits),
        interests=interests,
        avoids=avoids,
        statements=tuple(
            Statement(one.text, one.type, datetime.fromtimestamp(one.at, UTC)) for one in state.said[:N_STATEMENTS]
        ),
        rates=rates_of(state),
        counts=state.counts,
        consent=user.consent,
        segment=standing.segment,
        topics=standing.topics,
        drift=standing.drift,
        attributes=user.attributes,
        edits=held(user.edits),
    )


def _not_yet(now: datetime) -> InvalidInput:
    hint = f"Name a moment up to now ({now:%Y-%m-%dT%H:%M:%SZ}), or leave `at` out for the profile as it is."
    fault = Fault("time_out_of_window", "?at", "`at` lies in the future, and nothing is known of it.", hint)
    return InvalidInput(fault.detail, hint, faults=(fault,))


def _left(found: Iterable[Interest], shown: Iterable[Interest]) -> list[Interest]:
    """What was found and is still shown, in the order in which it was found."""
    facets = {one.facet for one in shown}
    return [one for one in found if one.facet in facets]


async def _with_evidence(ctx: Context, profile: Profile, state: State, world: World, at: datetime | None) -> Profile:
    log = await load_log_until(ctx.db, profile.user_id, at or _ALWAYS)
    # What was recorded since the state was read is not behind it; without consent nothing is.
    rows = [row for row in log.rows if row.seq <= state.seq] if log else []
    rows.sort(key=lambda row: (row.at, row.behavior_id), reverse=True)
    proof = asked_for(profile.interests, profile.avoids, profile.summary)
    prove(proof, interactions_of(ctx, rows), world.catalogue, world.space)
    return replace(
        profile,
        summary=proof.back_summary(profile.summary),
        interests=tuple(proof.back(one) for one in profile.interests),
        avoids=tuple(proof.back(one) for one in profile.avoids),
    )
