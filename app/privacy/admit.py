"""Whether a behaviour of somebody with a special standing may be stored."""

from __future__ import annotations

from app.domain.behavior import Behavior
from app.domain.errors import Fault
from app.domain.standing import Erased, Standing
from app.privacy.pseudonyms import mark_of


def refusal(standing: Standing, behavior: Behavior, secret: str) -> Fault | None:
    """Why not, with a pointer relative to the behaviour; None where it may."""
    if standing.erasing:
        return _ERASING
    if standing.erased and is_older(standing.erased, behavior, secret):
        return _ERASED
    return None if standing.consent else _NO_CONSENT


def is_older(erased: Erased, behavior: Behavior, secret: str) -> bool:
    """Whether it belongs to what was erased: by its time or, where that was filled in here, by its id."""
    if behavior.timed and behavior.occurred_at <= erased.at:
        return True
    return bool(behavior.behavior_id and erased.marks) and mark_of(secret, behavior.behavior_id) in erased.marks


_ERASING = Fault(
    "user_erased",
    "/user_id",
    "This user is being erased.",
    "What the user does from now on can be sent when the job that erases has ended.",
)
_ERASED = Fault(
    "user_erased",
    "/user_id",
    "This user was erased, and the behaviour is older than that.",
    "Drop it. What the user does after the erasure begins a new profile.",
)
_NO_CONSENT = Fault(
    "consent_off",
    "/user_id",
    "This user does not consent to being profiled; nothing was stored.",
    "Drop it, or send PUT /users/{user_id}/consent first when the user has agreed.",
)
