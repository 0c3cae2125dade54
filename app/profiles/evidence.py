"""The behaviours behind what a profile says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
    """The newest behaviours behind each facet, each item and each type that is asked for, at most `N_EVIDENCE`.

    `refusals` are those behind the facets that are avoided; the type "" stands for all.
    """

    facets: Proofs
    refusals: Proofs
    items: Proofs
    types: Proofs

    @property
    def is_complete(self) -> bool:
        """Whether nothing older can add to it."""
        sides = (self.facets, self.refusals, self.items, self.types)
        return all(len(newest) == N_EVIDENCE for side in sides for newest in side.values())

    def back(self, interest: Interest) -> Interest:
        return replace(interest, evidence=self._behind_facet(interest.facet))

    def back_summary(self, summary: Summary) -> Summary:
        claims = tuple(replace(claim, evidence=claim.evidence or self._behind(claim)) for claim in summary.claims)
        known = {one.behavior_id: one for claim in claims for one in claim.evidence}
        newest = sorted(known.values(), key=lambda one: (one.occurred_at, one.behavior_id), reverse=True)
        return replace(summary, claims=claims, evidence=tuple(newest))

    def _behind(self, claim: Claim) -> tuple[Evidence, ...]:
        if claim.facet is not None:
            return self._behind_facet(claim.facet)
        if claim.item_id is not None:
            return tuple(self.items[claim.item_id])
        return tuple(self.types[claim.type or ""])

    def _behind_facet(self, facet: str) -> tuple[Evidence, ...]:
        return tuple(self.refusals[facet] if facet in self.refusals else self.facets[facet])


def asked_for(interests: Iterable[Interest], avoids: Iterable[Interest], summary: Summary) -> Proof:
    """An empty proof of what is said of a user."""
    claims = summary.claims
    refused = {one.facet for one in avoids}
    sought = {one.facet for one in interests} | {claim.facet for claim in claims if claim.facet is not None}
    return Proof(
        facets={facet: [] for facet in sought - refused},
        refusals={facet: [] for facet in refused},
        items={claim.item_id: [] for claim in claims if claim.item_id is not None},
        types={claim.type or "": [] for claim in claims if claim.facet is None and claim.item_id is None},
    )


def prove(proof: Proof, interactions: Iterable[Interaction], catalogue: Catalogue, space: ItemSpace) -> Proof:
    """Fills a proof from a user's log, newest first, and reads no further than it must."""
    facets: dict[str, list[str]] = {}
    for one in interactions:
        if one.flagged or one.type == IMPRESSION:
            continue
        behind = [proof.types.get(one.type), proof.types.get("")]
        if one.item_id is not None and one.weight != 0:
            if one.item_id not in facets:
                facets[one.item_id] = facets_of_item(catalogue, space, one.item_id)
            side = proof.facets if one.weight > 0 else proof.refusals
            behind += [side.get(facet) for facet in facets[one.item_id]]
            if one.weight > 0:
                behind.append(proof.items.get(one.item_id))
        open_ = [newest for newest in behind if newest is not None and len(newest) < N_EVIDENCE]
        if open_:
            told = _evidence(one, catalogue)
            for newest in open_:
                newest.append(told)
            if proof.is_complete:
                break
    return proof


def facets_of_item(catalogue: Catalogue, space: ItemSpace, item_id: str) -> list[str]:
    """Its facets, and its interest cluster where it stands in no category."""
    row = catalogue.row_of.get(item_id)
    if row is None:
        return []
    named = [catalogue.facets[number] for number in catalogue.item_facets[row].tolist() if number >= 0]
    if not catalogue.are_leaves[row].any():
        cluster = int(space.clusters(np.array([row], dtype=np.int32))[0])
        if cluster >= 0:
            named.append(facet_name(catalogue, space, len(catalogue.facets) + cluster))
    return named


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
