"""Scenarios in force: built in, put, followed by other workers; and two domains in one catalogue."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app.domain.errors import Conflict, NotFound
from app.domain.item import Item
from app.domain.recommendation import Slate, Wish
from app.services import scenarios as service
from app.services.context import Context
from app.services.decide import decide
from app.services.embed_texts import embed_texts
from app.services.follow import Follower
from app.services.publish_space import publish_space
from app.services.record_behaviors import record_behaviors
from app.services.scenarios import BUILT_IN, Scenarios, delete_scenario, put_scenario
from app.storage.engine import Database
from app.storage.items import put_items

FOOD = ("Margherita pizza", "Rye bread", "Gouda cheese", "Spaghetti pasta", "Apple juice", "Tomato sauce")
FILMS = (
    "The Italian cook: a comedy about a pizza restaurant",
    "Baking bread, a documentary about bakers",
    "Star wars in outer space",
    "Submarine thriller in the Atlantic",
    "A murder in the old castle",
    "Football champions of the world",
)


def said(slate: Slate) -> list[str]:
    return [one.item_id for one in slate.items]


async def test_built_in_scenarios_hold_until_something_is_put_and_again_after(db: Database) -> None:
    scenarios = Scenarios()
    assert {one.name for one in scenarios.all()} == set(BUILT_IN) == {"home", "product", "basket", "mail"}
    built_in = scenarios.wanted({"scenario": "mail"}).wish()
    put = await put_scenario(scenarios, db, "mail", {"limit": 3})
    assert (put.built_in, put.sent) == (True, {"limit": 3})
    assert scenarios.wanted({"scenario": "mail"}).wish() == Wish(scenario="mail", limit=3)
    await delete_scenario(scenarios, db, "mail")
    assert scenarios.wanted({"scenario": "mail"}).wish() == built_in
    with pytest.raises(NotFound):
        await delete_scenario(scenarios, db, "mail")


async def test_another_worker_knows_after_its_next_step(context: Context) -> None:
    other = replace(context, scenarios=Scenarios())
    follower = Follower(other)
    await follower.start()
    await put_scenario(context.scenarios, context.db, "attic", {"limit": 3})
    assert other.scenarios.get("attic") is None
    await follower.step()
    found = other.scenarios.get("attic")
    assert found is not None
    assert found.settings == {"limit": 3}
    await delete_scenario(context.scenarios, context.db, "attic")
    await follower.step()
    assert other.scenarios.get("attic") is None


async def test_many_writers_leave_what_was_put_last(db: Database) -> None:
    scenarios = Scenarios()
    await asyncio.gather(
        *(put_scenario(scenarios, db, "attic", {"limit": limit}) for limit in range(1, 30)),
        *(scenarios.refresh(db) for _ in range(30)),
    )
    here, fresh = scenarios.get("attic"), Scenarios()
    await fresh.refresh(db)
    assert here == fresh.get("attic")


async def test_one_that_cannot_be_read_leaves_the_others(db: Database) -> None:
    async with db.connection() as connection:
        await connection.execute(
            """INSERT INTO scenarios (name, settings) VALUES ('odd', '{"variants": [{"of": 1}]}')"""
        )
    scenarios = Scenarios()
    await put_scenario(scenarios, db, "attic", {"limit": 3})
    assert scenarios.get("odd") is None
    assert scenarios.get("attic") is not None


async def test_there_is_a_limit(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_SCENARIOS", 2)
    scenarios = Scenarios()
    for name in ("a", "b", "b"):
        await put_scenario(scenarios, db, name, {})
    with pytest.raises(Conflict) as caught:
        await put_scenario(scenarios, db, "c", {})
    assert caught.value.code == "too_many_scenarios"


@pytest.fixture
async def two_domains(context: Context) -> Context:
    items = [
        Item(f"{domain}-{number}", title, domain=domain)
        for domain, titles in (("groceries", FOOD), ("films", FILMS))
        for number, title in enumerate(titles)
    ]
    await put_items(context.db, [*items, Item("bag", "A bag of no domain")])
    while await embed_texts(context):
        pass
    await publish_space(context)
    await Follower(context).start()
    await put_scenario(context.scenarios, context.db, "cinema", {"domain": "films", "diversity": 0.0})
    await put_scenario(
        context.scenarios, context.db, "only films", {"domain": "films", "cross_domain": False, "diversity": 0.0}
    )
    return context


async def act(ctx: Context, user: str, *items: str, text: str | None = None) -> None:
    behaviors: list[dict[str, Any]] = [{"user_id": user, "item_id": item, "type": "purchase"} for item in items]
    if text:
        behaviors.append({"user_id": user, "type": "search", "text": text})
    await record_behaviors(ctx, list(behaviors))


async def test_what_was_bought_and_said_elsewhere_finds_films_by_their_text(two_domains: Context) -> None:
    await act(two_domains, "ann", "groceries-0", "groceries-3", "groceries-5")
    slate = await decide(two_domains, "ann", {"scenario": "cinema", "limit": 3})
    assert {one.split("-")[0] for one in said(slate)} == {"films"}
    assert said(slate)[0] == "films-0"
    assert slate.fallback_reason is None
    await act(two_domains, "ann", text="a submarine under water")
    assert said(await decide(two_domains, "ann", {"scenario": "cinema", "limit": 3}))[0] == "films-3"


async def test_without_crossing_only_the_past_in_the_domain_counts(two_domains: Context) -> None:
    await act(two_domains, "cook", "groceries-0", "groceries-3")
    nobody = await decide(two_domains, "nobody", {"scenario": "only films"})
    cook = await decide(two_domains, "cook", {"scenario": "only films"})
    assert said(cook) == said(nobody)
    assert cook.fallback_reason == "no_history"
    await act(two_domains, "fan", "films-2")
    alone = await decide(two_domains, "fan", {"scenario": "only films"})
    await act(two_domains, "fan", "groceries-0", "groceries-3")
    beside = await decide(two_domains, "fan", {"scenario": "only films"})
    assert [(one.item_id, one.source) for one in alone.items] == [(one.item_id, one.source) for one in beside.items]
    assert "films-2" not in said(beside)
    crossing = await decide(two_domains, "fan", {"scenario": "cinema"})
    assert [one.score for one in crossing.items] != [one.score for one in beside.items]


async def test_the_request_may_name_another_domain(two_domains: Context) -> None:
    slate = await decide(two_domains, "ann", {"scenario": "cinema", "domain": "groceries"})
    assert sorted(said(slate)) == sorted(f"groceries-{number}" for number in range(6))
    everything = await decide(two_domains, "ann", {"scenario": "cinema", "domain": None})
    assert len(said(everything)) == 13
    assert said(await decide(two_domains, "ann", {"domain": "music"})) == []


async def test_a_product_page_leads_with_what_reads_like_the_product(two_domains: Context) -> None:
    slate = await decide(two_domains, "nobody", {"scenario": "product", "context_items": ["groceries-0"], "limit": 4})
    assert "groceries-0" not in said(slate)
    assert said(slate)[0] in {"films-0", "groceries-3", "groceries-5", "groceries-2"}
    assert slate.items[0].source == "interests"
