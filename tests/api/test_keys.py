"""Keys over the wire: made, listed, revoked, changed under load."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx2
import pytest

from app.api.rates import WINDOW_S

from .wire import Service, problem_of, start_service

SHOP = {"name": "shop", "scopes": ["items:write", "recommendations:read"]}


def test_a_key_is_shown_once(admin: httpx2.Client) -> None:
    made = admin.post("/keys", json=SHOP).json()
    assert made["key"].startswith(f"pk_{made['key_id']}_")
    listed = {key["key_id"]: key for key in _all(admin)}
    assert made["key"] not in str(listed)
    assert listed[made["key_id"]] == {name: value for name, value in made.items() if name != "key"}


def _all(admin: httpx2.Client) -> list[dict[str, object]]:
    found, query = [], {"limit": "2"}
    while True:
        page = admin.get("/keys", params=query).json()
        found += page["items"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scopes": ["admin"]}, "/name"),
        ({"name": "", "scopes": ["admin"]}, "/name"),
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "scopes": ["everything"]}, "/scopes/0"),
        ({"name": "x", "scopes": ["admin"], "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "x", "scopes": ["admin"], "expires_at": "tomorrow"}, "/expires_at"),
        ({"name": "x", "scopes": ["admin"], "rate_limit": -1}, "/rate_limit"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(admin: httpx2.Client, body: dict[str, object], pointer: str) -> None:
    assert problem_of(admin.post("/keys", json=body), 422)["errors"][0]["pointer"] == pointer


def test_an_unknown_key_cannot_be_revoked(admin: httpx2.Client) -> None:
    assert problem_of(admin.delete("/keys/none"), 404)["code"] == "key_unknown"


def test_the_first_key_closes_an_open_service(server_url: str, database_url: str, tmp_path: Path) -> None:
    service = start_service(database_url, tmp_path)
    try:
        with httpx2.Client(base_url=service.base_url) as client:
            assert client.get("/items").status_code == 200
            made = client.post("/keys", json={"name": "me", "scopes": ["admin"]}).json()
            problem_of(client.get("/items"), 401)
            headers = {"x-api-key": made["key"]}
            assert client.get("/items", headers=headers).status_code == 200
            assert client.delete(f"/keys/{made['key_id']}", headers=headers).status_code == 200
            problem_of(client.get("/items"), 401)  # it does not open again
            problem_of(client.get("/items", headers=headers), 401)
    finally:
        service.stop()


def test_keys_are_changed_under_load_and_no_valid_one_is_refused(
    admin: httpx2.Client, locked_service: Service, locked_database_url: str, tmp_path: Path
) -> None:
    """In another process than the one that was told, the old one is refused within about a second."""
    other = start_service(locked_database_url, tmp_path)
    current = [admin.post("/keys", json=SHOP).json()]
    time.sleep(1.5)
    refused: list[int] = []
    stop = threading.Event()

    def ask(base_url: str) -> None:
        with httpx2.Client(base_url=base_url, timeout=30) as client:
            while not stop.is_set():
                key = current[-1]["key"]
                status = client.get("/items?limit=1", headers={"x-api-key": key}).status_code
                if status != 200:
                    refused.append(status)

    bases = [locked_service.base_url, other.base_url] * 2
    threads = [threading.Thread(target=ask, args=(base,)) for base in bases]
    try:
        for thread in threads:
            thread.start()
        for _ in range(3):
            new = admin.post("/keys", json=SHOP).json()
            time.sleep(1.5)  # until every process knows it
            old = current[-1]
            current.append(new)
            time.sleep(0.5)  # what is on its way with the old one arrives
            admin.delete(f"/keys/{old['key_id']}")
            _within(2.5, lambda key=old["key"]: _status(other, key) == 401)
            assert _status(locked_service, old["key"]) == 401
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        other.stop()
    assert refused == []


def _status(service: Service, key: str) -> int:
    return httpx2.get(f"{service.base_url}/items?limit=1", headers={"x-api-key": key}).status_code


def _within(limit_s: float, holds: object) -> None:
    until = time.monotonic() + limit_s
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_key_has_a_rate_and_is_told_when_to_go_on(admin: httpx2.Client, locked: httpx2.Client) -> None:
    made = admin.post("/keys", json={**SHOP, "rate_limit": 5}).json()
    headers = {"x-api-key": made["key"]}
    for left in (4, 3, 2, 1, 0):
        answer = locked.get("/items", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == f'"key";q=5;w={WINDOW_S}'
        assert answer.headers["ratelimit"].startswith(f'"key";r={left};t=')
    refused = locked.get("/items", headers=headers)
    assert problem_of(refused, 429)["code"] == "rate_limited"
    assert 0 < int(refused.headers["retry-after"]) <= 12
    assert "ratelimit" not in admin.get("/items").headers
