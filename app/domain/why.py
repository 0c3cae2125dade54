"""Why an item stands where it stands in an answer, or why it is not there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from app.domain.recommendation import Reason

# Where an item's way ended: in the slate, or at what kept it out.
Stage = Literal["shown", "filter", "candidates", "rank", "mix"]


@dataclass(frozen=True, slots=True)
class SourceWord:
    """What one source says of an item: its chance, and its rank among all that this source brought (1 is first).

    None where it cannot say, or did not bring it.
    """

    chance: float | None
    rank: int | None


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The rank had nothing ever been done with items of a facet.

    Beyond the slate ranks go on in the order of the scores; None when no source would have brought the item.
    """

    facet: str
    label: str
    rank: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Why:
    """`rank` is the place in the slate, or beyond it by the score; None for what was no candidate.

    `rule` names the filter that kept the item out. `contributions` are those of `explain=full`. `reproduced` says
    whether the ranking, computed again for this answer, is the very one that was given: models may have changed since.
    """

    recommendation_id: str
    item_id: str
    title: str
    stage: Stage
    text: str
    rank: int | None = None
    rule: str | None = None
    source: str | None = None
    reason: Reason | None = None
    contributions: dict[str, float] | None = None
    sources: dict[str, SourceWord] = field(default_factory=dict)
    counterfactuals: tuple[Counterfactual, ...] = ()
    n_candidates: int = 0
    reproduced: bool = False
