"""The behaviours behind what a profile says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from app.domain.behavior import Interaction
from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.profile import Claim, Evidence, Interest, Summary
from app.profiles.attention import facet_name
from app.profiles.fold import IMPRESSION

N_EVIDENCE = 3

Proofs = dict[str, list[Evidence]]


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest behaviours behind each facet, each item and each type, at most `N_EVIDENCE`; "" stands for all."""

    facets: Proofs = field(default_factory=lambda: defaultdict(list))
    items: Proofs = field(default_factory=lambda: defaultdict(list))
    types: Proofs = field(default_factory=lambda: defaultdict(list))

    def back(self, interest: Interest) -> Interest:
        return replace(interest, evidence=tuple(self.facets.get(interest.facet, ())))

    def back_summary(self, summary: Summary) -> Summary:
        claims = tuple(replace(claim, evidence=claim.evidence or self._behind(claim)) for claim in summary.claims)
        known = {one.behavior_id: one for claim in claims for one in claim.evidence}
        newest = sorted(known.values(), key=lambda one: (one.occurred_at, one.behavior_id), reverse=True)
        return replace(summary, claims=claims, evidence=tuple(newest))

    def _behind(self, claim: Claim) -> tuple[Evidence, ...]:
        if claim.facet is not None:
            return tuple(self.facets.get(claim.facet, ()))
        if claim.item_id is not None:
            return tuple(self.items.get(claim.item_id, ()))
        return tuple(self.types.get(claim.type or "", ()))


def prove(
    interactions: Iterable[Interaction], catalogue: Catalogue, space: ItemSpace, avoided: Collection[str]
) -> Proof:
    """Reads a user's whole log: refusals stand behind the `avoided` facets, the rest behind the others."""
    proof = Proof()
    facets: dict[str, list[str]] = {}
    for one in sorted(interactions, key=lambda one: (one.at, one.behavior_id), reverse=True):
        if one.flagged or one.type == IMPRESSION:
            continue
        told = _evidence(one, catalogue)
        behind = [proof.types[one.type], proof.types[""]]
        if one.item_id is not None and one.weight != 0:
            if one.item_id not in facets:
                facets[one.item_id] = list(facets_of_item(catalogue, space, one.item_id))
            named = [facet for facet in facets[one.item_id] if (facet in avoided) == (one.weight < 0)]
            behind += [proof.facets[facet] for facet in named]
            if one.weight > 0:
                behind.append(proof.items[one.item_id])
        for newest in behind:
            if len(newest) < N_EVIDENCE:
                newest.append(told)
    return proof


def facets_of_item(catalogue: Catalogue, space: ItemSpace, item_id: str) -> Iterator[str]:
    """Its facets, or its interest cluster where it stands in no category."""
    row = catalogue.row_of.get(item_id)
    if row is None:
        return
    numbers = catalogue.item_facets[row]
    named = numbers[numbers >= 0].tolist()
    yield from (catalogue.facets[number] for number in named)
    if not any(catalogue.tree.depths[number] for number in named):
        cluster = int(space.clusters(np.array([row], dtype=np.int32))[0])
        if cluster >= 0:
            yield facet_name(catalogue, space, len(catalogue.facets) + cluster)


def title_of(catalogue: Catalogue, item_id: str | None) -> str | None:
    row = catalogue.row_of.get(item_id or "")
    return catalogue.items[row].title or None if row is not None else None


def _evidence(one: Interaction, catalogue: Catalogue) -> Evidence:
    return Evidence(
        behavior_id=one.behavior_id,
        type=one.type,
        occurred_at=datetime.fromtimestamp(one.at, UTC),
        item_id=one.item_id,
        title=title_of(catalogue, one.item_id),
        text=one.text,
    )
