"""The behaviours that moved what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import nlargest

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.history import Cause, Change
from app.profiles.evidence import facets_of_item, title_of

N_EACH = 2
N_CAUSES = 6


@dataclass(slots=True)
class Causes:
    """Remembers which facets an item has, so one is made for each way through a log."""

    catalogue: Catalogue
    space: ItemSpace
    facets: dict[str, frozenset[str]] = field(default_factory=dict)

    def of(self, changes: Sequence[Change], rows: Sequence[Interaction]) -> tuple[Cause, ...]:
        """At most `N_EACH` of the `rows` for each change and `N_CAUSES` in all, newest first."""
        moved: dict[Interaction, list[str]] = {}
        for change in changes:
            for row in self._movers(change, rows):
                moved.setdefault(row, []).append(change.facet)
        chosen = list(moved)[:N_CAUSES]
        chosen.sort(key=lambda row: (row.at, row.behavior_id), reverse=True)
        return tuple(self._cause(row, moved[row]) for row in chosen)

    def _movers(self, change: Change, rows: Sequence[Interaction]) -> list[Interaction]:
        """What fell was refused, or had to make room for what was sought meanwhile; time alone leaves no trace."""
        sought, refused, others = self._sides(change.facet, rows)
        if change.kind in {"appeared", "rose", "no_longer_avoided"}:
            return _strongest(sought)
        return _strongest(refused if refused or change.kind == "avoided" else others)

    def _sides(self, facet: str, rows: Sequence[Interaction]) -> tuple[list[Interaction], ...]:
        """What spoke for the facet, against it, and for anything else."""
        sides: tuple[list[Interaction], ...] = ([], [], [])
        for row in rows:
            if facet in self._facets_of(row):
                sides[0 if row.weight >= 0 else 1].append(row)
            elif row.weight > 0 and row.item_id is not None:
                sides[2].append(row)
        return sides

    def _facets_of(self, row: Interaction) -> frozenset[str]:
        if row.item_id is None:
            return frozenset()
        if row.item_id not in self.facets:
            self.facets[row.item_id] = frozenset(facets_of_item(self.catalogue, self.space, row.item_id))
        return self.facets[row.item_id]

    def _cause(self, row: Interaction, facets: Sequence[str]) -> Cause:
        return Cause(
            behavior_id=row.behavior_id,
            type=row.type,
            occurred_at=datetime.fromtimestamp(row.at, UTC),
            item_id=row.item_id,
            title=title_of(self.catalogue, row.item_id),
            text=row.text,
            facets=tuple(facets),
        )


def _strongest(rows: Sequence[Interaction]) -> list[Interaction]:
    """The newest of those that weigh most."""
    return nlargest(
        N_EACH, (row for row in rows if row.weight), key=lambda row: (abs(row.weight), row.at, row.behavior_id)
    )
