"""Which behaviours say the same thing twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.behavior import Behavior


@dataclass(frozen=True, slots=True)
class Deduped:
    """Places in the batch, ascending: what is new in it, what only repeats, and what contradicts an earlier one."""

    fresh: list[int]
    repeats: list[int]
    conflicts: list[int]


def dedupe(behaviors: Sequence[Behavior]) -> Deduped:
    """The first one of each (user_id, behavior_id) stands; behaviours without an id are always fresh."""
    firsts: dict[tuple[str, str], Behavior] = {}
    found = Deduped([], [], [])
    for place, behavior in enumerate(behaviors):
        first = firsts.setdefault((behavior.user_id, behavior.behavior_id), behavior)
        if first is behavior or not behavior.behavior_id:
            found.fresh.append(place)
        else:
            (found.repeats if same_payload(first, behavior) else found.conflicts).append(place)
    return found


def same_payload(one: Behavior, other: Behavior) -> bool:
    """Whether both tell the same, leaving aside a time that the sender did not give."""
    return _payload(one) == _payload(other)


def _payload(behavior: Behavior) -> tuple[Any, ...]:
    return (
        behavior.type,
        behavior.occurred_at if behavior.timed else None,
        behavior.item_id,
        behavior.text,
        behavior.value,
        behavior.recommendation_id,
        behavior.session_id,
        behavior.scenario,
        _comparable(behavior.context),
    )


def _comparable(context: dict[str, Any] | None) -> Any:
    """Numbers as floats: Postgres hands 1e300 back as an integer of 301 digits."""
    return json.loads(json.dumps(context), parse_int=float) if context else context
