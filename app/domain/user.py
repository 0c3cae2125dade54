"""A person whose behaviours are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class User:
    """`last_seq` is the number of places handed out in the user's log; it is the version of the profile."""

    user_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    consent: bool = True
    last_seq: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
