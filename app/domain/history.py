"""How a profile became what it is: versions, what changed with each, and what moved it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.domain.profile import Drift

ChangeKind = Literal["appeared", "rose", "fell", "gone", "avoided", "no_longer_avoided"]
EditEvent = Literal["made", "reverted", "expired"]


@dataclass(frozen=True, slots=True)
class Change:
    """`before` and `after` are weights as the history told them; None where the facet was, or is, not there."""

    facet: str
    label: str
    kind: ChangeKind
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Cause:
    """A behaviour that moved `facets`, some of those that changed."""

    behavior_id: str
    type: str
    occurred_at: datetime
    item_id: str | None
    title: str | None
    text: str | None
    facets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EditMark:
    """A change by hand, at the moment when it began or ceased to hold."""

    edit_id: str
    event: EditEvent
    in_words: str


@dataclass(frozen=True, slots=True)
class Version:
    """The profile as it was at `at`, beside the version before.

    `version` is what a reading as of `at` says; `n_behaviors` came since the version before; `drift` is a turn that
    began within them.
    """

    version: int
    at: datetime
    n_behaviors: int
    changes: tuple[Change, ...]
    caused_by: tuple[Cause, ...]
    drift: Drift | None = None
    edit: EditMark | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A page of it, the newest version first; `n_older` are behind the page. `reason` says why there is none."""

    user_id: str
    versions: tuple[Version, ...] = ()
    n_older: int = 0
    reason: str | None = None
