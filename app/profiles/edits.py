"""What holds of what a person changed by hand, how it is said, and what it does to what a profile shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from app.domain.edit import Edit, HeldEdit, Kind, Rule
from app.domain.profile import Claim, Evidence, Horizon, Interest, Summary
from app.profiles.phrases import counted, day_of, joined, quoted

STATEMENT = "statement"
WANTED = ("more", "pin")
# So many are told in the summary, one by one.
N_TOLD = 5
_ASKED = "Asked for "


class Force(NamedTuple):
    """A rule that acts, and the edit that it comes from."""

    rule: Rule
    edit: Edit


def in_force(edits: Iterable[Edit]) -> tuple[Force, ...]:
    """The rules of edits that hold, newest first; of those about one target only the newest acts."""
    acting: dict[tuple[Kind, str], Force] = {}
    for edit in sorted(edits, key=lambda edit: -edit.seq):
        for rule in edit.rules:
            acting.setdefault((rule.kind, rule.target), Force(rule, edit))
    return tuple(acting.values())


def held(edits: Sequence[Edit]) -> tuple[HeldEdit, ...]:
    """As they are shown, newest first."""
    acting = {(rule.kind, rule.target): edit for rule, edit in in_force(edits)}
    return tuple(shown(edit, _superseded_by(edit, acting)) for edit in sorted(edits, key=lambda edit: -edit.seq))


def shown(edit: Edit, superseded_by: str | None = None) -> HeldEdit:
    rule = edit.rules[0] if edit.text is None else None
    return HeldEdit(
        edit_id=edit.edit_id,
        action=rule.action if rule else STATEMENT,
        kind=rule.kind if rule else None,
        target=rule.target if rule else None,
        label=rule.label if rule else None,
        text=edit.text,
        in_words=in_words(edit),
        created_at=edit.created_at,
        expires_at=edit.expires_at,
        superseded_by=superseded_by,
    )


def superseded(edits: Sequence[Edit]) -> list[Edit]:
    """Those that hold and do nothing, because newer ones speak of all that they speak of; oldest first."""
    acting = {(rule.kind, rule.target): edit for rule, edit in in_force(edits)}
    return [edit for edit in sorted(edits, key=lambda edit: edit.seq) if _superseded_by(edit, acting)]


def _superseded_by(edit: Edit, acting: dict[tuple[Kind, str], Edit]) -> str | None:
    newer = [acting[rule.kind, rule.target] for rule in edit.rules]
    if edit.wish or not newer or any(one.edit_id == edit.edit_id for one in newer):
        return None
    return max(newer, key=lambda one: one.seq).edit_id


def in_words(edit: Edit) -> str:
    """`less horror, no herring until 3 December 2026`."""
    words = [said(rule) for rule in edit.rules]
    if edit.wish:
        words.append(_wish(edit))
    return joined(words) + _until(edit.expires_at)


def said(rule: Rule) -> str:
    """`more frozen pizza`, `no herring`."""
    name = f"“{rule.label}”" if rule.kind == "item" else rule.label
    if rule.action == "pin":
        return f"{name} first"
    return f"{'no' if rule.action == 'never' else rule.action} {name}"


def _until(moment: datetime | None) -> str:
    return "" if moment is None else f" until {day_of(moment.timestamp())}"


def told(summary: Summary, edits: Sequence[Edit]) -> Summary:
    """With a sentence more: `Asked for more frozen pizza, less horror until 3 December 2026 and no herring.`"""
    claims = claims_of(edits)
    if not claims:
        return summary
    words = joined([claim.text.removeprefix(_ASKED) for claim in claims[:N_TOLD]])
    more = f" and {counted(len(claims) - N_TOLD, 'other thing')}" if len(claims) > N_TOLD else ""
    return replace(summary, text=f"{summary.text} {_ASKED}{words}{more}.", claims=(*summary.claims, *claims))


def claims_of(edits: Sequence[Edit]) -> list[Claim]:
    """What the summary says of them, newest first; what stands behind each is the edit."""
    found = []
    for rule, edit in in_force(edits):
        facet, item_id = (rule.target, None) if rule.kind == "facet" else (None, rule.target)
        found.append(_claim(edit, said(rule), rule.label, facet, item_id))
    wishes = (edit for edit in sorted(edits, key=lambda edit: -edit.seq) if edit.wish)
    return found + [_claim(edit, _wish(edit), quoted(edit.wish)[1:-1]) for edit in wishes]


def _claim(edit: Edit, words: str, name: str, facet: str | None = None, item_id: str | None = None) -> Claim:
    evidence = Evidence(edit.edit_id, "edit", edit.created_at, text=edit.text)
    return Claim(f"{_ASKED}{words}{_until(edit.expires_at)}", facet, item_id, (evidence,), name)


def _wish(edit: Edit) -> str:
    return f"what reads like {quoted(edit.wish)}"


def touched(
    interests: Sequence[Interest], avoids: Sequence[Interest], edits: Sequence[Edit]
) -> tuple[tuple[Interest, ...], tuple[Interest, ...]]:
    """Interests and avoids as a person wants them, what they asked for last first."""
    sought, shunned = {one.facet: one for one in interests}, {one.facet: one for one in avoids}
    for rule, edit in reversed(in_force(edits)):
        if rule.kind != "facet":
            continue
        if rule.action == "never":
            shunned = _first(shunned, rule, edit)
            sought = {facet: one for facet, one in sought.items() if not lies_in(facet, rule.target)}
        elif rule.action in WANTED:
            sought = _first(sought, rule, edit)
            shunned.pop(rule.target, None)
        else:
            for side in (sought, shunned):
                if rule.target in side:
                    side[rule.target] = replace(side[rule.target], edited=True)
    return tuple(sought.values()), tuple(shunned.values())


def lies_in(facet: str, other: str) -> bool:
    """Whether a facet is another one, or lies below it."""
    return facet == other or (other.startswith("category:") and facet.startswith(f"{other} > "))


def _first(side: dict[str, Interest], rule: Rule, edit: Edit) -> dict[str, Interest]:
    """Without behaviours a line has no weight of its own."""
    horizon: Horizon = "long" if edit.expires_at is None else "short"
    new = Interest(rule.target, rule.label, 0.0, horizon, "steady", 0, edit.created_at)
    line = replace(side.get(rule.target, new), edited=True)
    return {line.facet: line} | {facet: one for facet, one in side.items() if facet != line.facet}
