"""With keys the console asks for one, keeps none, and lets no other site act through it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256

import httpx2
import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr

from app.console.pages import ROUTERS
from app.domain.errors import Unavailable
from app.services.keys import SESSION_COOKIE, SESSION_S, Keys

from .wire import filled, start_service

KEY = "pk_test_0123456789abcdef0123456789abcdef"
OTHER = "pk_test_ffffffffffffffffffffffffffffffff"
OPEN = ("/console/key", "/console/leave", "/console/static/")
PATHS = [
    route.path
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and not route.path.startswith(OPEN)
]


@pytest.fixture(scope="module")
def locked_url(api_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    service = start_service(api_database_url, tmp_path_factory.mktemp("locked"), api_keys=(SecretStr(KEY),))
    headers = {"x-api-key": KEY}
    httpx2.put(f"{service.base_url}/users/secret-person", json={"attributes": {}}, headers=headers)
    yield service.base_url
    service.stop()


@pytest.fixture
def visitor(locked_url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=locked_url, timeout=30) as client:
        yield client


@pytest.fixture
def inside(visitor: httpx2.Client) -> httpx2.Client:
    assert visitor.post("/console/key", data={"key": KEY, "to": "/console/models"}).status_code == 303
    return visitor


@pytest.mark.parametrize("path", [*PATHS, "/console/", "/console/users/secret-person"])
@pytest.mark.parametrize("headers", [{}, {"x-api-key": OTHER}, {"cookie": f"{SESSION_COOKIE}=1.00"}])
def test_no_page_is_read_without_a_key(visitor: httpx2.Client, path: str, headers: dict[str, str]) -> None:
    answer = visitor.get(filled(path.replace(":path", "")), headers=headers)
    assert answer.status_code == 401
    assert 'type="password"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert 'id="profile"' not in answer.text
    assert "behaviours" not in answer.text


def test_a_path_that_only_looks_like_the_console_is_a_call(visitor: httpx2.Client) -> None:
    assert visitor.get("/consoles").headers["content-type"] == "application/problem+json"


def test_form_and_style_need_no_key(visitor: httpx2.Client) -> None:
    assert visitor.get("/console/static/console.css").status_code == 200
    assert visitor.get("/console/key").status_code == 401


def test_a_key_opens_the_pages_and_goes_where_one_wanted_to(visitor: httpx2.Client) -> None:
    asked = visitor.get("/console/users/secret-person?evidence=true")
    assert 'name="to" value="/console/users/secret-person?evidence=true"' in asked.text
    answer = visitor.post("/console/key", data={"key": KEY, "to": "/console/users/secret-person?evidence=true"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/users/secret-person?evidence=true"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert KEY not in answer.headers["set-cookie"]
    assert sha256(KEY.encode()).hexdigest() not in answer.headers["set-cookie"]
    assert 'id="profile"' in visitor.get("/console/users/secret-person").text


def test_over_tls_the_cookie_stays_there(visitor: httpx2.Client) -> None:
    answer = visitor.post("/console/key", data={"key": KEY}, headers={"x-forwarded-proto": "https"})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_wrong_key_is_told(visitor: httpx2.Client) -> None:
    for key in (OTHER, "", KEY + "x", "schlüssel"):
        answer = visitor.post("/console/key", data={"key": key})
        assert answer.status_code == 401
        assert "not valid" in answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "to",
    ["https://evil.example", "//evil.example", "/console/../docs\\x", "/consoles", "/docs", "/console/key", "x", ""],
)
def test_the_form_leads_nowhere_else(visitor: httpx2.Client, to: str) -> None:
    answer = visitor.post("/console/key", data={"key": KEY, "to": to})
    assert answer.headers["location"] == "/console"


def test_a_form_that_is_too_large_is_refused(visitor: httpx2.Client) -> None:
    assert visitor.post("/console/key", data={"key": 9_000 * "x"}).status_code == 422


def test_the_session_reads_and_acts_from_its_own_pages_only(inside: httpx2.Client, locked_url: str) -> None:
    assert inside.get("/users/secret-person/profile").status_code == 200
    behavior = {"user_id": "secret-person", "type": "search", "text": "tea"}
    for headers, status in (
        ({}, 401),
        ({"origin": "http://evil.example"}, 401),
        ({"origin": "null"}, 401),
        ({"origin": locked_url.replace("127.0.0.1", "localhost")}, 401),
        ({"origin": locked_url, "sec-fetch-site": "same-site"}, 401),
        ({"sec-fetch-site": "cross-site"}, 401),
        ({"origin": locked_url}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
    ):
        assert inside.post("/behaviors", json=behavior, headers=headers).status_code == status, headers


def test_a_wrong_key_is_not_saved_by_a_session(inside: httpx2.Client) -> None:
    assert inside.get("/items", headers={"x-api-key": OTHER}).status_code == 401


def test_one_can_leave(inside: httpx2.Client) -> None:
    assert "Sign out" in inside.get("/console").text
    assert inside.post("/console/leave").headers["location"] == "/console/key"
    assert inside.get("/console").status_code == 401


def test_without_keys_nobody_is_asked(client: httpx2.Client) -> None:
    assert client.get("/console/key").headers["location"] == "/console"
    assert "Sign out" not in client.get("/console").text


def test_a_session_ends_and_cannot_be_made_up() -> None:
    keys, now = Keys([OTHER, KEY]), time.time()
    token = keys.open_session(KEY.encode(), now)
    assert token is not None
    assert keys.key_of_session(token, now)
    assert keys.key_of_session(token, now + SESSION_S - 2)
    assert not keys.key_of_session(token, now + SESSION_S)
    assert not Keys([OTHER]).key_of_session(token, now), "it ends with its key"
    assert not Keys([]).key_of_session(token, now)
    until, _, signature = token.partition(".")
    for forged in (
        f"{int(until) + 1}.{signature}",
        f"{until}.{signature[:-2]}",
        f"{until}.",
        f"{until}.x",
        f"٣{until}.{signature}",
        f"{'9' * 30}.{signature}",
        signature,
        "",
    ):
        assert not keys.key_of_session(forged, now), forged
    with pytest.raises(Unavailable):  # it may be one of the database, which nobody has read yet
        keys.open_session(b"", now)
