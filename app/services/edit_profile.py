"""What a person wants changed in a profile: planned against what holds, then stored in one go, or only told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.edit import Edit, HeldEdit, Understood
from app.domain.errors import Conflict, InvalidInput
from app.domain.limits import MAX_EDITS
from app.domain.profile import Profile
from app.profiles.edits import shown, superseded
from app.profiles.state import State
from app.services.context import Context
from app.services.plan_edits import Change, Plan, plan_edits
from app.services.read_profile import profile_now, profile_of
from app.services.user_state import UserState, user_state
from app.storage.edits import store_edits

ATTEMPTS = 5
# Told of a change that is only tried out.
DRY_RUN = "dry_run_{}"

# Raises when the caller does not know this profile (None: there is none yet).
Check = Callable[[Profile | None], None]


@dataclass(frozen=True, slots=True)
class Applied:
    """One change: the edit it made or withdrew, those that it takes the place of, and what is worth knowing."""

    action: str
    edit: HeldEdit
    supersedes: tuple[str, ...] = ()
    understood: Understood | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    """The profile as it is now, or as it would be with a `dry_run`."""

    profile: Profile
    applied: tuple[Applied, ...]
    dry_run: bool = False


async def edit_profile(
    ctx: Context, user_id: str, changes: Sequence[Change], check: Check, dry_run: bool = False
) -> Edited:
    """All of the changes or none. A user who is not there yet begins.

    Raises InvalidInput with a fault for each change that cannot be made, Conflict `consent_off`, Unavailable when a
    statement comes while the encoder is away, and whatever `check` raises.
    """
    for _ in range(ATTEMPTS):
        user, now = await user_state(ctx, user_id), ctx.now()
        check(None if user is None else await profile_now(ctx, user))
        if user is not None and not user.consent:
            raise Conflict(
                "This user is not profiled, because there is no consent.",
                "Without consent there is no profile to edit; edits wait until it is given again.",
                code="consent_off",
            )
        plan = await plan_edits(ctx, changes, user.edits if user else (), now)
        plan = _within_limits(plan)
        if dry_run:
            return _tried_out(ctx, user or _nobody(user_id, now), plan, now)
        whose, version = (user_id, None) if user is None else (user.user_id, user.version)
        withdrawn = [edit.edit_id for edit in plan.withdrawn]
        if await store_edits(ctx.db, ctx.secret, whose, version, plan.added, withdrawn, ctx.encoder.name):
            return await _stored(ctx, user_id, plan)
    raise Conflict("The profile changes faster than it can be edited.", "Try again.", code="profile_changed")


def _within_limits(plan: Plan) -> Plan:
    """Edits that do nothing any more make room, the oldest first."""
    surplus = len(plan.holding) - MAX_EDITS
    idle = superseded(plan.holding)[: max(surplus, 0)]
    if len(idle) < surplus:
        raise InvalidInput(
            f"A profile holds at most {MAX_EDITS:,} edits.",
            'Withdraw some with {"action": "revert", "edit_id": …}; the profile lists them in `edits`.',
            code="too_many_edits",
        )
    return replace(plan, withdrawn=(*plan.withdrawn, *idle)) if idle else plan


def _nobody(user_id: str, now: datetime) -> UserState:
    return UserState(user_id, 0, True, {}, now, State())


def _tried_out(ctx: Context, user: UserState, plan: Plan, now: datetime) -> Edited:
    names = {edit.edit_id: DRY_RUN.format(number) for number, edit in enumerate(plan.added, 1)}
    named = [replace(edit, edit_id=names.get(edit.edit_id, edit.edit_id)) for edit in plan.holding]
    profile = profile_of(ctx, replace(user, edits=tuple(named)), ctx.world, now.timestamp())
    return Edited(profile, _applied(plan, {edit.edit_id: edit for edit in named}, names), True)


async def _stored(ctx: Context, user_id: str, plan: Plan) -> Edited:
    user = await user_state(ctx, user_id)
    if user is None:
        raise LookupError("the user vanished while their profile was edited")
    return Edited(await profile_now(ctx, user), _applied(plan, {edit.edit_id: edit for edit in user.edits}, {}))


def _applied(plan: Plan, edits: dict[str, Edit], names: dict[str, str]) -> tuple[Applied, ...]:
    """`edits` as they were stored, with their times; `names` where they got others than planned."""
    told = []
    for step in plan.steps:
        edit = edits.get(names.get(step.edit.edit_id, step.edit.edit_id), step.edit)
        supersedes = tuple(names.get(edit_id, edit_id) for edit_id in step.supersedes)
        told.append(Applied(step.action, shown(edit), supersedes, step.understood, step.notes))
    return tuple(told)
