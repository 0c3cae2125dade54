"""A place where recommendations are shown, with what holds there unless a request says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from app.domain.recommendation import Wish

# Fields of `Wish`, by name; only those that somebody has set.
Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """Another way for a share of the users: its settings win over those of the scenario."""

    name: str
    share: float
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`sent` is what somebody put; None for one that is built in. Shares of variants are at most 1 together."""

    name: str
    settings: Settings = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    built_in: bool = False
    sent: Mapping[str, Any] | None = None
    updated_at: datetime | None = None

    def variant_of(self, user_id: str) -> Variant | None:
        """The same for a user for as long as the shares stay; None for those whom no variant takes.

        By name, so that the order in which variants are listed moves nobody.
        """
        place = _place(self.name, user_id)
        for variant in sorted(self.variants, key=lambda one: one.name):
            place -= variant.share
            if place < 0:
                return variant
        return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request says, over what its scenario says. An unknown scenario is a label for later figures."""

    said: Settings
    scenario: Scenario | None = None

    def variant_of(self, user_id: str | None) -> Variant | None:
        """Whoever may not be known by name gets the scenario itself."""
        return self.scenario.variant_of(user_id) if self.scenario and user_id is not None else None

    def wish(self, variant: Variant | None = None) -> Wish:
        settings = self.scenario.settings if self.scenario else {}
        return Wish(**{**settings, **(variant.settings if variant else {}), **self.said})


def _place(scenario: str, user_id: str) -> float:
    """Where a user stands in [0, 1), in each scenario anew."""
    digest = blake2b(f"{scenario}\0{user_id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def settings_of(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody sent, under the names that a wish gives it; what is no part of a wish is passed over."""
    named = {_RENAMED.get(name, name): value for name, value in sent.items()}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in named.items()
        if name in Wish.__dataclass_fields__
    }


def scenario_of(name: str, sent: Mapping[str, Any], updated_at: datetime | None, built_in: bool) -> Scenario:
    variants = tuple(Variant(one["name"], one["share"], settings_of(one)) for one in sent.get("variants", ()))
    return Scenario(name, settings_of(sent), variants, built_in, sent, updated_at)


_RENAMED = {"filter": "attributes"}
