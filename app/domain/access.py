"""Who may come in, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Scope = Literal[
    "behaviors:write",
    "items:write",
    "profiles:read",
    "profiles:write",
    "recommendations:read",
    "privacy",
    "metrics:read",
    "admin",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
ADMIN: Scope = "admin"  # implies all others


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret. `rate_limit` is in requests a minute, 0 for none, None for what the settings say;
    `last_used_at` is exact to the hour.
    """

    key_id: str
    name: str
    scopes: tuple[str, ...]
    rate_limit: int | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def may(self, needed: frozenset[str]) -> bool:
        """Whether one of the scopes is there."""
        return ADMIN in self.scopes or not needed.isdisjoint(self.scopes)


# Where no key is needed, everybody may do everything.
EVERYBODY = Key("", "everybody", (ADMIN,))
