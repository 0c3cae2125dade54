"""The scenarios that are in force in this process: built-in ones, and over them those that were put."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from app.domain.errors import Conflict, NotFound
from app.domain.limits import MAX_SCENARIOS
from app.domain.scenario import Scenario, Wanted, scenario_of, settings_of
from app.storage import scenarios as store
from app.storage.engine import Database

log = logging.getLogger(__name__)

# What goes with the product that is looked at comes first, and only then what suits the user anyway.
_WITH_IT = {"neighbours": 3.0, "ease": 3.0, "interests": 10.0, "trend": 0.3, "fresh": 0.3, "habits": 0.0}
# What lies in one basket together is bought together and seldom reads alike.
_BELONGS = {"neighbours": 3.0, "ease": 3.0, "interests": 0.0, "fresh": 0.0, "trend": 0.5}
BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    "home": {"exploration": 0.05},
    "product": {"limit": 10, "diversity": 0.2, "seen": "purchased", "sources": _WITH_IT},
    "basket": {"limit": 10, "diversity": 0.2, "seen": "include", "sources": _BELONGS},
    "mail": {"limit": 12, "diversity": 0.6},
}


class Scenarios:
    """Renewed whole; `follow` does it every second."""

    def __init__(self) -> None:
        self._by_name = _built_in()
        self._lock = asyncio.Lock()

    async def refresh(self, db: Database) -> None:
        """One after the other, so that an older reading never replaces a newer one. Raises Unavailable."""
        async with self._lock:
            put = await store.load_scenarios(db)
            self._by_name = {**_built_in(), **dict(_readable(put))}

    def get(self, name: str) -> Scenario | None:
        return self._by_name.get(name)

    def all(self) -> list[Scenario]:
        return [self._by_name[name] for name in sorted(self._by_name)]

    def wanted(self, sent: Mapping[str, Any]) -> Wanted:
        """What a request says (only what it says), over the scenario that it names."""
        said = settings_of(sent)
        name = said.get("scenario")
        return Wanted(said, None if name is None else self.get(name))


async def put_scenario(scenarios: Scenarios, db: Database, name: str, sent: Mapping[str, Any]) -> Scenario:
    """In force here at once. Conflict `too_many_scenarios`."""
    if await store.count_others(db, name) >= MAX_SCENARIOS:
        raise Conflict(
            f"There are {MAX_SCENARIOS} scenarios already.", "Delete some of them.", code="too_many_scenarios"
        )
    await store.put_scenario(db, name, sent)
    await scenarios.refresh(db)
    return get_scenario(scenarios, name)


async def delete_scenario(scenarios: Scenarios, db: Database, name: str) -> None:
    """A built-in name means the built-in scenario again. NotFound `scenario_unknown` where nothing was put."""
    found = await store.delete_scenario(db, name)
    await scenarios.refresh(db)
    if not found:
        raise _unknown()


def get_scenario(scenarios: Scenarios, name: str) -> Scenario:
    found = scenarios.get(name)
    if found is None:
        raise _unknown()
    return found


def _built_in() -> dict[str, Scenario]:
    return {name: scenario_of(name, sent, None, built_in=True) for name, sent in BUILT_IN.items()}


def _readable(put: list[store.Put]) -> dict[str, Scenario]:
    """One that another release put may say what this one cannot read: it is a label then, and the others serve."""
    found: dict[str, Scenario] = {}
    for name, sent, updated_at in put:
        try:
            found[name] = scenario_of(name, sent, updated_at, built_in=name in BUILT_IN)
        except (KeyError, TypeError, AttributeError) as error:
            log.error("a scenario cannot be read and is passed over: %s", type(error).__name__)
    return found


def _unknown() -> NotFound:
    return NotFound(
        "No scenario has this name.", "GET /scenarios lists all of them; PUT makes one.", code="scenario_unknown"
    )
