"""From what a person asks for to edits: names become facets, words are understood, contradictions are refused."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from app.domain.edit import Action, Edit, Rule, Understood
from app.domain.errors import Fault, InvalidInput
from app.domain.item import label_of
from app.profiles.edits import WANTED, in_force, lies_in, said
from app.ranking.targets import rows_of_facet
from app.retrieval.base import World
from app.services.context import Context
from app.services.facet_names import facet_named
from app.services.understand import understood


@dataclass(frozen=True, slots=True)
class Change:
    """One wish as it was sent. `action` is an `Action`, `statement` or `revert`, and goes with its own fields."""

    action: str
    facet: str | None = None
    item_id: str | None = None
    text: str | None = None
    edit_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one change comes to."""

    action: str
    edit: Edit
    supersedes: tuple[str, ...] = ()
    understood: Understood | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`holding` are the edits that hold afterwards, by seq."""

    steps: tuple[Step, ...]
    added: tuple[Edit, ...]
    withdrawn: tuple[Edit, ...]
    holding: tuple[Edit, ...]


async def plan_edits(ctx: Context, changes: Sequence[Change], held: Sequence[Edit], now: datetime) -> Plan:
    """`held` are the edits that hold. Raises InvalidInput with a fault for each change that cannot be made."""
    world = ctx.world
    faults: list[Fault] = []
    made: list[tuple[int, Step]] = []
    for number, change in enumerate(changes):
        try:
            made.append((number, await _step(ctx, world, change, held, now, f"/edits/{number}")))
        except _Refused as refused:
            faults.append(refused.fault)
    faults += _contradictions(world, made)
    if faults:
        more = f" There are {len(faults)} faults in all." if len(faults) > 1 else ""
        raise InvalidInput(f"`{faults[0].pointer}`: {faults[0].detail}{more}", faults[0].hint, faults=tuple(faults))
    return _plan([step for _, step in made], held, world)


class _Refused(Exception):
    def __init__(self, code: str, pointer: str, detail: str, hint: str) -> None:
        super().__init__(code)
        self.fault = Fault(code, pointer, detail, hint)


async def _step(ctx: Context, world: World, change: Change, held: Sequence[Edit], now: datetime, at: str) -> Step:
    if change.expires_at is not None and change.expires_at <= now:
        raise _Refused(
            "already_over", f"{at}/expires_at", "This moment has passed.", f"It is {now:%Y-%m-%dT%H:%M:%SZ}."
        )
    if change.action == "revert":
        return Step("revert", _held(change, held, at))
    if change.action == "statement":
        return await _statement(ctx, world, change, now, at)
    rule = await _rule(world, change, at)
    return Step(change.action, _edit((rule,), now, change.expires_at))


def _held(change: Change, held: Sequence[Edit], at: str) -> Edit:
    for edit in held:
        if edit.edit_id == change.edit_id:
            return edit
    raise _Refused(
        "edit_unknown",
        f"{at}/edit_id",
        "No edit of this user that holds has this id.",
        "The profile lists all in `edits`.",
    )


async def _statement(ctx: Context, world: World, change: Change, now: datetime, at: str) -> Step:
    text = " ".join((change.text or "").split())
    told = await understood(ctx, world, text, now)
    if not told.rules and not told.wish:
        raise _contradicts_itself(at) if told.conflicts else _not_understood(at)
    expires_at = change.expires_at
    if expires_at is None and told.lasts_days is not None:
        expires_at = now + timedelta(days=told.lasts_days)
    (raw,) = await ctx.encoder.encode_raw([told.wish]) if told.wish else (None,)
    return Step("statement", _edit(told.rules, now, expires_at, text, told.wish, raw), understood=told)


def _not_understood(at: str) -> _Refused:
    return _Refused(
        "not_understood",
        f"{at}/text",
        "Nothing of this statement was understood.",
        "Name what is meant as the catalogue does, for example `less horror for a week`.",
    )


def _contradicts_itself(at: str) -> _Refused:
    return _Refused("edit_conflict", f"{at}/text", "This statement contradicts itself.", "Say only what is meant.")


async def _rule(world: World, change: Change, at: str) -> Rule:
    action = cast(Action, change.action)
    if change.item_id is None:
        facet = await asyncio.to_thread(_facet, world, change.facet or "", f"{at}/facet")
        return Rule(action, "facet", facet, label_of(facet))
    row = world.catalogue.row_of.get(change.item_id)
    if row is None:
        raise _Refused(
            "item_unknown",
            f"{at}/item_id",
            "The catalogue holds no item with this id.",
            "Check the id. An item that was put just now is known within seconds.",
        )
    return Rule(action, "item", change.item_id, world.catalogue.items[row].title or change.item_id)


def _facet(world: World, word: str, at: str) -> str:
    found = facet_named(world, word, at)
    if isinstance(found, Fault):
        raise _Refused(found.code, at, found.detail, found.hint)
    return found


def _edit(
    rules: tuple[Rule, ...],
    now: datetime,
    expires_at: datetime | None,
    text: str | None = None,
    wish: str = "",
    embedding: bytes | None = None,
) -> Edit:
    return Edit("edt_" + secrets.token_hex(8), 0, rules, text, wish, embedding, now, expires_at)


def _contradictions(world: World, made: Sequence[tuple[int, Step]]) -> list[Fault]:
    """Within one request nobody can tell which is meant."""
    faults = []
    rules = [(number, rule) for number, step in made if step.action != "revert" for rule in step.edit.rules]
    for place, (number, rule) in enumerate(rules):
        for earlier, other in rules[:place]:
            if earlier != number and _contradict(world, rule, other):
                detail = f"“{said(rule)}” contradicts “{said(other)}” of /edits/{earlier}."
                faults.append(Fault("edit_conflict", f"/edits/{number}", detail, "Send the one that is meant."))
                break
    return faults


def _contradict(world: World, one: Rule, other: Rule) -> bool:
    if (one.kind, one.target) == (other.kind, other.target):
        return one.action != other.action
    return _hides(world, one, other) or _hides(world, other, one)


def _hides(world: World, one: Rule, other: Rule) -> bool:
    """Whether one turns away all that the other asks for."""
    if one.action != "never" or other.action not in WANTED or one.kind != "facet":
        return False
    if other.kind == "facet":
        return lies_in(other.target, one.target)
    row = world.catalogue.row_of.get(other.target, -1)
    return row in rows_of_facet(world.catalogue, world.space, one.target)


def _plan(steps: Sequence[Step], held: Sequence[Edit], world: World) -> Plan:
    withdrawn = {step.edit.edit_id: step.edit for step in steps if step.action == "revert"}
    left = [edit for edit in held if edit.edit_id not in withdrawn]
    last = max((edit.seq for edit in held), default=0)
    new = [step.edit for step in steps if step.action != "revert"]
    # As if they were the next in the log; their places are given when they are stored.
    added = tuple(replace(edit, seq=seq) for seq, edit in enumerate(new, last + 1))
    told = tuple(step if step.action == "revert" else _beside(step, left, world) for step in steps)
    return Plan(told, added, tuple(withdrawn.values()), (*left, *added))


def _beside(step: Step, left: Sequence[Edit], world: World) -> Step:
    """With what it takes the place of, and what wins over it."""
    targets = {(rule.kind, rule.target) for rule in step.edit.rules}
    before = [(rule, edit) for rule, edit in in_force(left) if (rule.kind, rule.target) in targets]
    notes = [f"Takes the place of “{said(rule)}”." for rule, _ in before]
    others = [rule for rule, _ in in_force(left) if (rule.kind, rule.target) not in targets]
    pairs = [(other, rule) for other in others for rule in step.edit.rules if _hides(world, other, rule)]
    notes += [f"“{said(other)}” holds and wins over “{said(rule)}”." for other, rule in pairs]
    supersedes = tuple(dict.fromkeys(edit.edit_id for _, edit in before))
    return replace(step, supersedes=supersedes, notes=tuple(notes))
