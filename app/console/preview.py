"""A change of a profile that is only tried out, so that one reads what it would do before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.domain.errors import Conflict, InvalidInput, PortraitError, Unavailable
from app.domain.profile import Profile
from app.services.context import Context
from app.services.edit_profile import Applied, edit_profile
from app.services.plan_edits import Change

Kind = Literal["statement", "more", "less", "never", "pin"]


@dataclass(frozen=True, slots=True)
class Preview:
    """`sent` is the change as the API takes it; `trouble` says why it cannot be made, and `hint` what to do."""

    sent: dict[str, str]
    applied: Applied | None = None
    trouble: str = ""
    hint: str = ""


async def preview(ctx: Context, user_id: str, kind: Kind, words: str) -> Preview:
    """`words` are a statement, or the name of a facet."""
    change = Change(kind, text=words) if kind == "statement" else Change(kind, facet=words)
    sent = {"action": kind, "text" if kind == "statement" else "facet": words}
    try:
        edited = await edit_profile(ctx, user_id, [change], _whatever_it_is, dry_run=True)
    except (InvalidInput, Conflict, Unavailable) as error:
        return Preview(sent, None, *_in_words(error))
    return Preview(sent, edited.applied[0])


def _whatever_it_is(_profile: Profile | None) -> None:
    """Nothing is changed, so nobody can overwrite anything."""


def _in_words(error: PortraitError) -> tuple[str, str]:
    """Of the fault itself where there is one: the error names the field, which a page has under another name."""
    fault = error.faults[0] if error.faults else None
    return (fault.detail, fault.hint) if fault else (error.detail, error.hint)
