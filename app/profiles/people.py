"""What a user is beside others: the segment and the topics that a model gives them, and whether they are turning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.profile import Drift
from app.profiles.decay import HalfLives
from app.profiles.drift import drift_of
from app.profiles.leaves import Leaves, leaves_of
from app.profiles.segments import Segments
from app.profiles.state import State
from app.profiles.topics import Topics


@dataclass(frozen=True, slots=True)
class People:
    """What a model learned of all users; either may be missing where the log was too small."""

    segments: Segments | None = None
    topics: Topics | None = None

    def segment_of(self, state: State, leaves: Leaves) -> int:
        """-1 for somebody of no segment; `leaves` of the state's items."""
        return -1 if self.segments is None else self.segments.segment_of(state, leaves)

    def segment_name(self, state: State, leaves: Leaves) -> str | None:
        return None if self.segments is None else self.segments.name_of(self.segments.segment_of(state, leaves))

    def topics_of(self, state: State, leaves: Leaves, catalogue: Catalogue, half_lives: HalfLives) -> tuple[str, ...]:
        """The names of the first few, strongest first."""
        if self.topics is None:
            return ()
        return self.topics.told(self.topics.shares_of(state, leaves, catalogue, half_lives))


class Standing(NamedTuple):
    """Where a user stands beside others, and beside who they were."""

    segment: str | None = None
    topics: tuple[str, ...] = ()
    drift: Drift | None = None


ALONE = Standing()


def standing_of(
    state: State, catalogue: Catalogue, space: ItemSpace, half_lives: HalfLives, people: People | None
) -> Standing:
    """Without a model only the drift, which is a user's own."""
    people = people or People()
    leaves = leaves_of(catalogue, catalogue.rows(state.items))
    return Standing(
        people.segment_name(state, leaves),
        people.topics_of(state, leaves, catalogue, half_lives),
        drift_of(state, catalogue, space),
    )
