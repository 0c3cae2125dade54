"""Whether behaviours of a user may be stored, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Erased:
    """A user who was here before. `marks` are those of the behaviours whose time does not tell that they are older."""

    at: datetime
    last_seq: int
    marks: frozenset[int]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is special about an id: it is another one's (`user_id`), does not consent, is being or was erased."""

    user_id: str
    consent: bool = True
    erasing: bool = False
    erased: Erased | None = None
