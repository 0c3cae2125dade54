"""What several names of one statement come to: each facet under one action, or under none and told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from app.domain.catalogue import Catalogue
from app.domain.edit import Action
from app.domain.item import label_of
from app.profiles.naming import above
from app.profiles.phrases import joined
from app.profiles.told import Asked

# Of two on one side the first holds.
_AGAINST: tuple[Action, ...] = ("never", "less")
_FOR: tuple[Action, ...] = ("pin", "more")
_Actions = dict[int, list[Action]]


def settled(asked: Sequence[Asked], catalogue: Catalogue) -> tuple[list[Asked], list[str]]:
    """Without contradictions, and those in words. A facet is named once, where its action is said first."""
    actions: _Actions = defaultdict(list)
    for one in asked:
        for number in one.facets:
            actions[number].append(one.action)
    conflicts = _contradictions(actions, catalogue)
    final = {number: next(a for a in (*_AGAINST, *_FOR) if a in some) for number, some in actions.items()}
    left: list[Asked] = []
    for one in asked:
        facets = [n for n in one.facets if n not in conflicts and final.get(n) == one.action]
        labels = [label_of(catalogue.facets[number]) for number in facets]
        for number in facets:
            del final[number]
        if facets:
            left.append(replace(one, facets=facets, labels=labels))
    return left, list(dict.fromkeys(filter(None, conflicts.values())))


def _contradictions(actions: _Actions, catalogue: Catalogue) -> dict[int, str]:
    """The facets that get no rule, and why; more of what never shows takes both rules with it."""
    found: dict[int, str] = {}
    for number, some in actions.items():
        if not set(some) & set(_FOR):
            continue
        label = label_of(catalogue.facets[number])
        if set(some) & set(_AGAINST):
            found[number] = f"{label}: {joined(list(dict.fromkeys(some)))}"
        for over in above(number, catalogue):
            if "never" in actions.get(over, ()):
                found.setdefault(over, "")
                found[number] = f"{label}: {some[0]}, but never {label_of(catalogue.facets[over])}, which holds it"
    return found
