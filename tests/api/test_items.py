"""The catalogue over the wire."""

from __future__ import annotations

import httpx2
import pytest

from .wire import problem_of

PIZZA = {
    "title": "Frozen pizza margherita",
    "description": "With tomatoes and mozzarella.",
    "categories": ["Grocery > Frozen pizza"],
    "attributes": {"brand": "private", "organic": True, "size": 12.5},
    "domain": "shop",
    "available": True,
    "published_at": "2026-11-01T00:00:00Z",
}


def test_an_item_reads_back_as_it_was_put(client: httpx2.Client) -> None:
    put = client.put("/items/pizza", json=PIZZA)
    assert put.status_code == 200
    assert put.json() == client.get("/items/pizza").json() == {"item_id": "pizza", **PIZZA}


def test_put_replaces_and_patch_changes(client: httpx2.Client) -> None:
    client.put("/items/patched", json=PIZZA)
    changed = client.patch("/items/patched", json={"available": False, "domain": None}).json()
    assert changed == {"item_id": "patched", **PIZZA, "available": False, "domain": None}
    assert client.put("/items/patched", json={"title": "Only this"}).json()["categories"] == []
    assert client.get("/items/patched").json()["title"] == "Only this"


def test_a_deleted_item_is_gone(client: httpx2.Client) -> None:
    client.put("/items/gone", json=PIZZA)
    assert client.delete("/items/gone").status_code == 204
    for answer in (
        client.get("/items/gone"),
        client.delete("/items/gone"),
        client.patch("/items/gone", json={}),
        client.get("/items/gone/similar"),
    ):
        assert problem_of(answer, 404)["code"] == "item_unknown"


def test_the_body_may_not_name_another_item(client: httpx2.Client) -> None:
    assert client.put("/items/same", json={**PIZZA, "item_id": "same"}).status_code == 200
    assert problem_of(client.put("/items/same", json={"item_id": "other"}), 422)["errors"][0]["pointer"] == "/item_id"


def test_what_is_good_in_a_bulk_is_kept(client: httpx2.Client) -> None:
    answer = client.post("/items", json=[{"item_id": "bulk1"}, {"item_id": "a/b"}, {"item_id": "bulk2", "titel": "x"}])
    assert answer.status_code == 207
    told = answer.json()
    assert (told["accepted"], told["changed"], told["rejected"]) == (1, 1, 2)
    assert [fault["pointer"] for fault in told["errors"]] == ["/1/item_id", "/2/titel"]
    assert "title" in told["errors"][1]["hint"]
    assert client.post("/items", json={"item_id": "bulk1"}).json()["changed"] == 0
    assert client.get("/items/bulk1").status_code == 200


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": "x" * 1_001}, "text_too_long"),
        ({"title": "a\u0000"}, "invalid_text"),
        ({"available": "yes"}, "invalid_type"),
        ({"categories": "Grocery"}, "invalid_type"),
        ({"attributes": {"a": {"b": 1}}}, "invalid_type"),
        ({"published_at": "soon"}, "invalid_time"),
    ],
)
def test_a_bad_item_is_refused(client: httpx2.Client, fields: dict[str, object], code: str) -> None:
    for answer in (client.put("/items/bad", json=fields), client.post("/items", json=[{"item_id": "bad", **fields}])):
        body = problem_of(answer, 400 if code == "invalid_text" and "/items/bad" in str(answer.url) else 422)
        assert code in {fault["code"] for fault in body["errors"]}
    problem_of(client.get("/items/bad"), 404)


def test_a_list_is_walked_page_by_page(client: httpx2.Client) -> None:
    client.post("/items", json=[{"item_id": f"page-{n}", "categories": ["Paged"]} for n in range(5)])
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(10):
        page = client.get("/items", params={"limit": 2, "category": "Paged", **cursor}).json()
        seen += [item["item_id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == [f"page-{n}" for n in range(5)]


def test_a_cursor_that_was_not_handed_out_is_refused(client: httpx2.Client) -> None:
    client.post("/items", json=[{"item_id": f"forged-{n}"} for n in range(2)])
    cursor = client.get("/items?limit=1").json()["next"]
    for bad in (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "x", "\u00e9"):
        assert problem_of(client.get("/items", params={"cursor": bad}), 400)["code"] == "invalid_cursor"
    assert problem_of(client.get("/users", params={"cursor": cursor}), 400)["code"] == "invalid_cursor"
