"""Why, and why not, over the wire."""

from __future__ import annotations

import httpx2
import pytest

from app.api.schemas.why import WhyOut

from .wire import Service, problem_of


@pytest.fixture(scope="module")
def cellar(client: httpx2.Client, service: Service) -> httpx2.Client:
    items = [
        {"item_id": f"cellar-{number}", "title": f"Bottle {number}", "categories": [f"Cellar > {'rw'[number % 2]}"]}
        for number in range(12)
    ]
    assert client.post("/items", json=items).status_code == 200
    behaviors = [{"user_id": "cellar-user", "item_id": f"cellar-{n}", "type": "purchase"} for n in (0, 2, 3)]
    assert client.post("/behaviors", json=behaviors).status_code == 200
    service.run(lambda _: service.app.state.follower.step())
    return client


def test_of_every_item_it_is_told_where_its_way_ended(cellar: httpx2.Client) -> None:
    slate = cellar.get("/users/cellar-user/recommendations?category=cellar&limit=4").json()
    shown = {one["item_id"]: one["rank"] for one in slate["items"]}
    for number in range(12):
        answer = cellar.get(f"/recommendations/{slate['recommendation_id']}/items/cellar-{number}")
        assert answer.status_code == 200, answer.text
        told = WhyOut.model_validate_json(answer.content)
        assert (told.stage == "shown") == (told.item_id in shown)
        assert (told.rule == "seen") == (number in (0, 2, 3))
        assert told.text


def test_a_list_without_a_facet_is_the_list_of_somebody_who_never_turned_to_it(cellar: httpx2.Client) -> None:
    wish = "category=cellar&limit=9&seen=include&exploration=0"
    whole = cellar.get(f"/users/cellar-user/recommendations?{wish}&without=category:cellar").json()
    assert whole["fallback_reason"] == "no_history"
    assert cellar.get(f"/users/cellar-user/recommendations?{wish}").json()["fallback_reason"] != "no_history"


def test_what_is_not_known_is_refused_with_a_hint(cellar: httpx2.Client) -> None:
    slate = cellar.get("/users/cellar-user/recommendations?limit=1").json()["recommendation_id"]
    assert problem_of(cellar.get(f"/recommendations/{slate}/items/nothing"), 404)["code"] == "item_unknown"
    unknown = cellar.get("/recommendations/rec_000000000000000000000000/items/cellar-1")
    assert problem_of(unknown, 404)["code"] == "recommendation_unknown"
    refused = problem_of(cellar.get("/users/cellar-user/recommendations?without=cellr"), 422)
    assert refused["errors"][0]["code"] == "facet_unknown"
    assert "cellar" in refused["errors"][0]["hint"]
