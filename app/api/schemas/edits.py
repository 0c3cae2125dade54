"""Changes of a profile by hand, on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.deps import At as MomentIn
from app.api.deps import Id, Text
from app.api.schemas.common import Answer
from app.api.schemas.profiles import EditOut, ProfileOut
from app.domain.edit import Action, Kind, Matched
from app.domain.errors import Fault
from app.domain.limits import MAX_EDITS_REQUEST, MAX_STATEMENT
from app.services.plan_edits import Change

MAX_FACET = 512
# What each action needs: one of these fields, and no other of them.
_NEEDS = {
    **dict.fromkeys(("more", "less", "never", "pin"), ("facet", "item_id")),
    "statement": ("text",),
    "revert": ("edit_id",),
}
_Facet = Annotated[
    Text, Field(min_length=1, max_length=MAX_FACET, examples=["category:grocery > frozen pizza", "frozen pizza"])
]
_Statement = Annotated[Text, Field(min_length=1, max_length=MAX_STATEMENT, examples=["less horror for a week"])]
_FIELDS = ("facet", "item_id", "text", "edit_id")


class EditIn(BaseModel):
    """One change. `more`, `less`, `never` and `pin` speak of a facet or an item."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Literal["more", "less", "never", "pin", "statement", "revert"]
    facet: Annotated[_Facet | None, Field(description="As the profile writes it, or a name that only one has.")] = None
    item_id: Id | None = None
    text: Annotated[_Statement | None, Field(description="A statement in words.")] = None
    edit_id: Annotated[Id | None, Field(description="The edit to withdraw.")] = None
    expires_at: Annotated[MomentIn | None, Field(description="Until when it holds; without it, for good.")] = None


class EditsIn(BaseModel):
    """All of the changes are made, or none."""

    model_config = ConfigDict(extra="forbid", strict=True)

    edits: Annotated[list[EditIn], Field(min_length=1, max_length=MAX_EDITS_REQUEST)]

    def changes(self) -> list[Change]:
        return [Change(**dict(one)) for one in self.edits]

    def faults(self) -> tuple[Fault, ...]:
        """Fields that do not go with their action."""
        return tuple(fault for number, one in enumerate(self.edits) for fault in _misfits(one, f"/edits/{number}"))


def _misfits(one: EditIn, at: str) -> list[Fault]:
    needs = _NEEDS[one.action]
    words = " or ".join(f"`{name}`" for name in needs)
    sent = [name for name in _FIELDS if getattr(one, name) is not None]
    strange = [name for name in sent if name not in needs]
    if one.action == "revert" and one.expires_at is not None:
        strange.append("expires_at")
    detail, hint = f"The action `{one.action}` does not go with this field.", f"It takes {words}."
    faults = [Fault("misplaced_field", f"{at}/{name}", detail, hint) for name in strange]
    fitting = [name for name in sent if name in needs]
    if not fitting:
        faults.append(
            Fault("missing_field", f"{at}/{needs[0]}", f"The action `{one.action}` needs {words}.", "Add it.")
        )
    if len(fitting) > 1:
        faults.append(
            Fault("misplaced_field", f"{at}/{fitting[1]}", "One change speaks of one thing.", "Send two changes.")
        )
    return faults


class RuleOut(Answer):
    """What is to happen with a facet or an item."""

    action: Action
    kind: Kind
    target: str
    label: str
    matched: Annotated[Matched, Field(description="By its name, or because it reads alike.")]


class UnderstoodOut(Answer):
    """A statement, as it was understood."""

    rules: list[RuleOut]
    wish: Annotated[str, Field(description="What is searched for by its meaning; empty for nothing.")]
    lasts_days: float | None
    unclear: Annotated[list[str], Field(description="Words that were not understood.")]
    conflicts: list[str]
    in_words: str


class AppliedOut(Answer):
    """One change, made."""

    action: Annotated[str, Field(examples=["more"])]
    edit: EditOut
    supersedes: Annotated[list[str], Field(description="Edits of the same target whose place it takes.")]
    understood: Annotated[UnderstoodOut | None, Field(description="Of a statement.")]
    notes: Annotated[list[str], Field(examples=[["Takes the place of “less frozen pizza”."]])]


class EditedOut(Answer):
    """The profile as it is now, or as it would be."""

    profile: ProfileOut
    applied: list[AppliedOut]
    dry_run: bool
