"""What was recommended once, with all that is needed to come to it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.recommendation import Recommended, Wish


@dataclass(frozen=True, slots=True)
class Decision:
    """A slate as it was kept. `items` have no reasons: they follow from the rest.

    It was made at `generated_at` as of `asked_at`, or of the present where that is None, from the user's log up to
    `profile_version`; `wish` is all that was in force, whoever said it. `user_id` is None for visitors and for users
    without consent, whose words are not kept either: `wish.statement` is None.
    """

    recommendation_id: str
    user_id: str | None
    scenario: str | None
    variant: str | None
    generated_at: datetime
    asked_at: datetime | None
    profile_version: int
    model_version: str
    space_version: str
    catalogue_version: int
    wish: Wish
    degraded: bool
    fallback_reason: str | None
    items: tuple[Recommended, ...]
