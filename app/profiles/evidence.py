"""The behaviours that stand behind a claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.item import facets_of
from app.domain.profile import Evidence, Interest
from app.profiles.state import Recent, Said, State

N_EVIDENCE = 3


class Witnesses:
    """Finds among the latest interactions those that speak for a facet or about an item, newest first."""

    def __init__(self, state: State, catalogue: Catalogue, space: ItemSpace) -> None:
        self._state = state
        self._catalogue = catalogue
        self._by_facet: dict[tuple[str, bool], list[Evidence]] = {}
        rows = catalogue.rows(one.item_id for one in state.recent)
        clusters = space.clusters(rows).tolist()
        for one, row, cluster in zip(state.recent, rows.tolist(), clusters, strict=True):
            if row < 0 or one.weight == 0:
                continue
            facets = {*facets_of(catalogue.items[row]), "cluster:" + space.cluster_label(cluster)}
            for facet in facets:
                self._by_facet.setdefault((facet, one.weight > 0), []).append(self._of(one))

    def back(self, interest: Interest, *, liked: bool) -> Interest:
        """The interest (or what is avoided) with its newest evidence."""
        return replace(interest, evidence=tuple(self._by_facet.get((interest.facet, liked), [])[:N_EVIDENCE]))

    def of_item(self, item_id: str) -> tuple[Evidence, ...]:
        found = (one for one in self._state.recent if one.item_id == item_id)
        return tuple(self._of(one) for _, one in zip(range(N_EVIDENCE), found, strict=False))

    def of_text(self, said: Said) -> Evidence:
        return Evidence(said.behavior_id, said.type, _moment(said.at), text=said.text)

    def _of(self, one: Recent) -> Evidence:
        row = self._catalogue.row_of.get(one.item_id)
        title = self._catalogue.items[row].title if row is not None else None
        return Evidence(one.behavior_id, one.type, _moment(one.at), one.item_id, title)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
