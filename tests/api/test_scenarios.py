"""Scenarios, decisions and figures over the wire."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from app.api.schemas.attribution import AttributionOut
from app.api.schemas.recommendations import DecisionOut, RecommendationsOut
from app.api.schemas.scenarios import ScenarioList, ScenarioOut
from app.services.embed_texts import embed_texts

from .wire import Service, problem_of


@pytest.fixture(scope="module")
def shelf(client: httpx2.Client, service: Service) -> httpx2.Client:
    items = [
        {"item_id": f"shelf-{number}", "title": f"Board {number}", "categories": [f"Shelf > {'ab'[number % 2]}"]}
        for number in range(12)
    ]
    assert client.post("/items", json=items).status_code == 200
    while service.run(embed_texts):
        pass
    service.run(lambda _: service.app.state.follower.step())
    return client


def recommend(client: httpx2.Client, query: str, user: str = "visitor-1") -> dict[str, Any]:
    answer = client.get(f"/users/{user}/recommendations?category=shelf&{query}")
    assert answer.status_code == 200, answer.text
    RecommendationsOut.model_validate_json(answer.content)
    return answer.json()


def test_what_was_put_holds_from_the_next_request_on(shelf: httpx2.Client) -> None:
    settings = {"limit": 3, "quotas": {"a": 1}, "pinned": ["shelf-7"], "explain": "none"}
    put = shelf.put("/scenarios/attic", json=settings)
    told = ScenarioOut.model_validate_json(put.content)
    assert (told.name, told.built_in, told.settings) == ("attic", False, settings)
    assert told.updated_at is not None
    assert shelf.get("/scenarios/attic").json() == put.json()
    slate = recommend(shelf, "scenario=attic")
    shown = [one["item_id"] for one in slate["items"]]
    assert shown[0] == "shelf-7"
    assert len(shown) == 3
    assert sum(int(one.split("-")[1]) % 2 == 0 for one in shown) <= 1
    assert slate["items"][0]["reason"] is None
    assert len(recommend(shelf, "scenario=attic&limit=5&explain=short")["items"]) == 5
    listed = ScenarioList.model_validate_json(shelf.get("/scenarios").content)
    assert {"attic", "home", "product", "basket", "mail"} <= {one.name for one in listed.items}
    assert shelf.delete("/scenarios/attic").status_code == 204
    assert len(recommend(shelf, "scenario=attic")["items"]) > 3  # a label
    assert problem_of(shelf.get("/scenarios/attic"), 404)["code"] == "scenario_unknown"
    assert problem_of(shelf.delete("/scenarios/attic"), 404)["code"] == "scenario_unknown"


@pytest.mark.parametrize(
    ("sent", "pointer", "code", "hint"),
    [
        ({"sources": {"trnd": 0}}, "/sources/trnd", "unknown_source", "Did you mean `trend`?"),
        ({"sources": {"qqq": 0}}, "/sources/qqq", "unknown_source", "Known sources: trend, "),
        ({"sources": {"trend": -1}}, "/sources/trend", "invalid_value", ""),
        ({"exploration": 0.6}, "/exploration", "invalid_value", ""),
        ({"quotas": {"cheese": 1.5}}, "/quotas/cheese", "invalid_value", "A whole number"),
        ({"boosted": {"cheese": 2}}, "/boosted/cheese", "invalid_value", ""),
        ({"pinned": ["a/b"]}, "/pinned/0", "invalid_id", ""),
        ({"limit": True}, "/limit", "invalid_type", ""),
        ({"divrsity": 0.1}, "/divrsity", "unknown_field", "Did you mean `diversity`?"),
        ({"variants": [{"name": "a", "share": 0.6}, {"name": "b", "share": 0.6}]}, "/variants", "invalid_value", "Let"),
        ({"variants": [{"name": "a", "share": 0.1}] * 2}, "/variants", "invalid_value", "Give every variant"),
        ({"variants": [{"name": "a", "share": 0}]}, "/variants/0/share", "invalid_value", ""),
        (
            {"variants": [{"name": "a", "share": 1, "sources": {"eas": 0}}]},
            "/variants/0/sources/eas",
            "unknown_source",
            "",
        ),
        ({"ranking": "best"}, "/ranking", "invalid_value", ""),
        ({"domain": "x" * 200}, "/domain", "invalid_value", ""),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_hint(
    client: httpx2.Client, sent: dict[str, Any], pointer: str, code: str, hint: str
) -> None:
    before = client.get("/scenarios").json()
    fault = problem_of(client.put("/scenarios/wrong", json=sent), 422)["errors"][0]
    assert (fault["pointer"], fault["code"]) == (pointer, code)
    assert fault["hint"].startswith(hint)
    assert client.get("/scenarios").json() == before


def test_every_answer_can_be_read_again_at_once(shelf: httpx2.Client) -> None:
    shelf.post("/behaviors", json={"user_id": "reader", "item_id": "shelf-3", "type": "view"})
    wish = {"scenario": "home", "limit": 4, "category": "shelf", "statement": "a board"}
    answers = [
        shelf.get("/users/reader/recommendations?scenario=home&limit=4&category=shelf"),
        shelf.post("/users/reader/recommendations", json=wish),
        shelf.post("/recommendations", json=wish),
    ]
    users = []
    for answer in answers:
        slate = answer.json()
        told = shelf.get(f"/recommendations/{slate['recommendation_id']}")
        decision = DecisionOut.model_validate_json(told.content)
        assert [one.item_id for one in decision.items] == [one["item_id"] for one in slate["items"]]
        assert decision.items[-1].source == "explore"
        assert decision.items[-1].propensity == slate["items"][-1]["propensity"]
        assert decision.wish["exploration"] == 0.05
        assert decision.model_version == slate["model_version"]
        users.append(decision.user_id)
    assert users == ["reader", "reader", None]
    assert problem_of(shelf.get(f"/recommendations/rec_{'0' * 24}"), 404)["code"] == "recommendation_unknown"
    assert problem_of(shelf.get("/recommendations/mine"), 404)["code"] == "recommendation_unknown"


def test_a_search_is_no_recommendation(shelf: httpx2.Client) -> None:
    found = shelf.get("/search?q=board&user_id=searcher")
    assert found.json()["items"]
    recommend(shelf, "limit=1", "searcher")
    groups = shelf.get("/metrics/recommendations?by=model").json()["groups"]
    before = sum(one["n_shown"] for one in groups)
    shelf.get("/search?q=board&user_id=searcher")
    after = shelf.get("/metrics/recommendations?by=model").json()["groups"]
    assert sum(one["n_shown"] for one in after) == before


def test_what_came_of_it_is_counted(shelf: httpx2.Client) -> None:
    shelf.put("/scenarios/corner", json={"limit": 2, "variants": [{"name": "all", "share": 1}]})
    slate = recommend(shelf, "scenario=corner", "buyer")
    assert slate["variant"] == "all"
    behavior = {"user_id": "buyer", "type": "click", "recommendation_id": slate["recommendation_id"]}
    shown = slate["items"][1]["item_id"]
    shelf.post("/behaviors", json=[behavior | {"item_id": shown}, behavior | {"item_id": "another"}])
    told = AttributionOut.model_validate_json(shelf.get("/metrics/recommendations").content)
    corner = next(group for group in told.groups if group.key == "corner")
    assert (corner.n_slates, corner.n_shown, corner.n_clicked, corner.n_purchased) == (1, 2, 1, 0)
    assert [place.n_clicked for place in corner.positions] == [0, 1]
    by_variant = shelf.get("/metrics/recommendations?by=variant").json()["groups"]
    assert "corner / all" in {group["key"] for group in by_variant}
    fault = problem_of(shelf.get("/metrics/recommendations?since=2100-01-01T00:00:00Z"), 422)["errors"][0]
    assert fault["pointer"] == "?since"
    early = shelf.get("/metrics/recommendations?until=0001-01-01T00:00:00Z")
    assert early.status_code in {200, 422}


def test_what_is_at_hand_is_named_in_a_query(shelf: httpx2.Client) -> None:
    shown = [one["item_id"] for one in recommend(shelf, "context_items=shelf-1&context_items=shelf-2")["items"]]
    assert shown
    assert not {"shelf-1", "shelf-2"} & set(shown)
