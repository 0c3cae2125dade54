"""Users over the wire."""

from __future__ import annotations

import httpx2
import pytest

from .wire import problem_of


def test_attributes_are_put_and_changed(client: httpx2.Client) -> None:
    put = client.put("/users/attributed", json={"attributes": {"age": 41, "city": "Köln"}})
    assert put.status_code == 200
    assert put.json()["attributes"] == {"age": 41, "city": "Köln"}
    changed = client.patch("/users/attributed", json={"attributes": {"age": 42, "city": None}})
    assert changed.json()["attributes"] == {"age": 42}
    assert client.get("/users/attributed").json() == changed.json()
    assert client.put("/users/attributed", json={}).json()["attributes"] == {}


def test_an_unknown_user_is_not_found(client: httpx2.Client) -> None:
    for answer in (
        client.get("/users/nobody"),
        client.patch("/users/nobody", json={}),
        client.get("/users/nobody/behaviors"),
        client.get("/users/nobody/profile"),
    ):
        assert problem_of(answer, 404)["code"] == "user_unknown"


@pytest.mark.parametrize(
    "attributes",
    [[], {"": 1}, {"x" * 65: 1}, {"a": "y" * 1_001}, {"a": [1]}, {"a": None}, {str(n): n for n in range(65)}],
)
def test_bad_attributes_are_refused(client: httpx2.Client, attributes: object) -> None:
    body = problem_of(client.put("/users/bad-attributes", json={"attributes": attributes}), 422)
    assert body["errors"][0]["pointer"].startswith("/attributes")
    problem_of(client.get("/users/bad-attributes"), 404)


def test_users_and_their_behaviors_are_listed_page_by_page(client: httpx2.Client) -> None:
    for n in range(3):
        client.post(
            "/behaviors", json=[{"user_id": f"listed-{n}", "type": "view", "item_id": f"i{m}"} for m in range(3)]
        )
    seen, query = [], {"limit": "1"}
    while True:
        page = client.get("/users", params=query).json()
        seen += [user["user_id"] for user in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert [user for user in seen if user.startswith("listed-")] == ["listed-0", "listed-1", "listed-2"]
    first = client.get("/users/listed-1/behaviors?limit=2").json()
    rest = client.get("/users/listed-1/behaviors", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["item_id"] for one in first["items"] + rest["items"]] == ["i2", "i1", "i0"]
    other = client.get("/users/listed-2/behaviors", params={"cursor": first["next"]})
    assert problem_of(other, 400)["code"] == "invalid_cursor"
