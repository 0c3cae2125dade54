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
_Why = dict[int, str]


def settled(asked: Sequence[Asked], catalogue: Catalogue) -> tuple[list[Asked], list[str]]:
    """Without contradictions, and those in words. A facet is named once, where its action is said first."""
    actions: _Actions = defaultdict(list)
    for one in asked:
        for number in one.facets:
            actions[number].append(one.action)
    conflicts = _contradictions(actions, catalogue)
    final = {number: next(a for a in (*_AGAINST, *_FOR) if a in some) for number, some in actions.items()}
    final = {n: action for n, action in final.items() if not _is_covered(n, action, final, conflicts, catalogue)}
    left: list[Asked] = []
    for one in asked:
        facets = [n for n in one.facets if n not in conflicts and final.get(n) == one.action]
        labels = [label_of(catalogue.facets[number]) for number in facets]
        for number in facets:
            del final[number]
        if facets:
            left.append(replace(one, facets=facets, labels=labels))
    return left, list(dict.fromkeys(filter(None, conflicts.values())))


def _is_covered(number: int, action: Action, final: dict[int, Action], conflicts: _Why, catalogue: Catalogue) -> bool:
    """By a rule for a step above it that says the same."""
    return any(final.get(over) == action and over not in conflicts for over in above(number, catalogue))


def _contradictions(actions: _Actions, catalogue: Catalogue) -> _Why:
    """The facets that get no rule, and why; more of what never shows takes both rules with it."""
    found: _Why = {}
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
