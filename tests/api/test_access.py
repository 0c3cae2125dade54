"""The access matrix, made from the description of the API: every operation, every kind of key."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx2
import pytest
from pydantic import SecretStr

from app.api.auth import is_open
from app.api.strict_route import StrictRoute
from app.domain.access import ADMIN, SCOPES
from app.domain.errors import Misconfigured
from app.main import create_app
from app.services.manage_keys import create_key
from app.settings import Settings

from .wire import ADMIN_KEY, DOCUMENT, OPERATIONS, Service, filled, problem_of

# Written down once more, so that a new operation is a decision and not an accident.
MATRIX: dict[str, set[str]] = {
    "POST /behaviors": {"behaviors:write"},
    "GET /users/{user_id}/profile": {"profiles:read"},
    "PATCH /users/{user_id}/profile": {"profiles:write"},
    "GET /users/{user_id}/profile/history": {"profiles:read"},
    "GET /users/{user_id}/recommendations": {"recommendations:read"},
    "POST /users/{user_id}/recommendations": {"recommendations:read"},
    "POST /recommendations": {"recommendations:read"},
    "GET /recommendations/{recommendation_id}": {"recommendations:read"},
    "GET /recommendations/{recommendation_id}/items/{item_id}": {"recommendations:read"},
    "GET /scenarios": {"recommendations:read"},
    "GET /scenarios/{name}": {"recommendations:read"},
    "PUT /scenarios/{name}": {"admin"},
    "DELETE /scenarios/{name}": {"admin"},
    "GET /metrics/recommendations": {"metrics:read"},
    "GET /trending": {"recommendations:read"},
    "GET /search": {"recommendations:read"},
    "GET /items/{item_id}/similar": {"recommendations:read"},
    "POST /items": {"items:write"},
    "GET /items": {"items:write", "recommendations:read"},
    "GET /items/{item_id}": {"items:write", "recommendations:read"},
    "PUT /items/{item_id}": {"items:write"},
    "PATCH /items/{item_id}": {"items:write"},
    "DELETE /items/{item_id}": {"items:write"},
    "GET /users": {"profiles:read"},
    "GET /users/{user_id}": {"profiles:read"},
    "PUT /users/{user_id}": {"profiles:write"},
    "PATCH /users/{user_id}": {"profiles:write"},
    "GET /users/{user_id}/behaviors": {"profiles:read"},
    "POST /users/{user_id}/merge": {"profiles:write"},
    "PUT /users/{user_id}/consent": {"privacy"},
    "GET /users/{user_id}/export": {"privacy"},
    "DELETE /users/{user_id}": {"privacy"},
    "POST /jobs": {"admin"},
    "GET /jobs": {"admin"},
    "GET /jobs/{job_id}": {"privacy"},  # an erasure is a job too
    "DELETE /jobs/{job_id}": {"admin"},
    "GET /jobs/{job_id}/events": {"privacy"},
    "GET /models": {"admin"},
    "POST /models/{version}/promotion": {"admin"},
    "POST /keys": {"admin"},
    "GET /keys": {"admin"},
    "DELETE /keys/{key_id}": {"admin"},
    "GET /metrics": {"metrics:read"},
    "GET /health/live": set(),
    "GET /health/ready": set(),
    "GET /errors": set(),
    "GET /errors/{code}": set(),
}
CLOSED = [one for one in OPERATIONS if MATRIX.get(f"{one[0].upper()} {one[1]}")]
OPEN = [one for one in OPERATIONS if one not in CLOSED]


class Sent(NamedTuple):
    """Keys by scope, and keys that are good for nothing."""

    by_scope: dict[str, str]
    expired: str
    revoked: str


@pytest.fixture(scope="module")
def sent(locked_service: Service, admin: httpx2.Client) -> Sent:
    by_scope = {scope: made(admin, [scope])["key"] for scope in SCOPES}
    long_ago = datetime.now(UTC) - timedelta(days=2)
    _, expired = locked_service.run(
        lambda ctx: create_key(ctx.db, long_ago, "expired", list(SCOPES), long_ago + timedelta(days=1))
    )
    revoked = made(admin, list(SCOPES))
    assert admin.delete(f"/keys/{revoked['key_id']}").json()["revoked_at"] is not None
    return Sent(by_scope, expired, revoked["key"])


def made(admin: httpx2.Client, scopes: list[str], **more: Any) -> dict[str, Any]:
    answer = admin.post("/keys", json={"name": "of a test", "scopes": scopes, **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def asked(client: httpx2.Client, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
    with client.stream(method, filled(path), json={}, headers=headers) as answer:
        if answer.headers.get("content-type") != "text/event-stream":
            answer.read()
        return answer


def needed(method: str, path: str) -> set[str]:
    return MATRIX[f"{method.upper()} {path}"]


def test_every_operation_has_its_row_and_says_the_same() -> None:
    told = {
        f"{method.upper()} {path}": {scope for one in operation["security"] for held in one.values() for scope in held}
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
    }
    assert told == MATRIX


def test_every_route_says_what_it_needs_and_open_paths_are_those_that_need_nothing() -> None:
    routes = create_app(Settings(_env_file=None)).routes
    for route in (one for one in routes if isinstance(one, StrictRoute)):
        needs = getattr(route.endpoint, "needed_scopes", None)
        assert needs is not None, f"{route.path}: put @needs(...) above {route.endpoint.__name__}"
        assert (not needs) == is_open(filled(route.path)), route.path
        assert needs <= set(SCOPES)


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ADMIN_KEY + "x"},
        {"x-api-key": ""},
        {"x-api-key": "pk__"},
        {"authorization": f"Basic {ADMIN_KEY}"},
        {"authorization": "Bearer x"},
        {"authorization": "Bearer pk_3f9a1c2b4d5e_" + "0" * 64},
    ],
)
def test_nobody_comes_in_without_a_key(locked: httpx2.Client, method: str, path: str, headers: dict[str, str]) -> None:
    answer = asked(locked, method, path, headers)
    assert problem_of(answer, 401)["code"] == "access_denied"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_expired_and_revoked_keys_do_not_open(locked: httpx2.Client, sent: Sent, method: str, path: str) -> None:
    for key in (sent.expired, sent.revoked):
        assert problem_of(asked(locked, method, path, {"x-api-key": key}), 401)["code"] == "access_denied"


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_key_opens_what_its_scope_is_for_and_nothing_else(
    locked: httpx2.Client, sent: Sent, method: str, path: str
) -> None:
    for scope, key in sent.by_scope.items():
        answer = asked(locked, method, path, {"authorization": f"Bearer {key}"})
        if scope == ADMIN or scope in needed(method, path):
            assert answer.status_code not in {401, 403}, (scope, answer.status_code)
        else:
            body = problem_of(answer, 403)
            assert body["code"] == "scope_missing"
            assert all(f"`{one}`" in body["detail"] for one in needed(method, path))


@pytest.mark.parametrize(("method", "path"), OPEN)
def test_what_tells_nothing_about_anybody_needs_no_key(locked: httpx2.Client, method: str, path: str) -> None:
    assert asked(locked, method, path, {}).status_code not in {401, 403}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_documentation_is_open(locked: httpx2.Client, path: str) -> None:
    assert locked.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/console", "/console/users/x", "/console/models", "/console/nothing"])
def test_the_console_needs_a_key_for_everything(locked: httpx2.Client, sent: Sent, path: str) -> None:
    for scope, key in sent.by_scope.items():
        answer = locked.get(path, headers={"x-api-key": key})
        assert (answer.status_code == 401) == (scope != ADMIN)
        assert ('type="password"' in answer.text) == (scope != ADMIN)
        signed_in = locked.post("/console/key", data={"key": key})
        assert ("set-cookie" in signed_in.headers) == (scope == ADMIN)
        locked.cookies.clear()


def test_a_session_ends_with_its_key(locked_service: Service, admin: httpx2.Client) -> None:
    key = made(admin, ["admin"])
    with httpx2.Client(base_url=locked_service.base_url) as browser:
        assert browser.post("/console/key", data={"key": key["key"]}).status_code == 303
        assert browser.get("/console").status_code == 200
        assert browser.get("/users").status_code == 200
        admin.delete(f"/keys/{key['key_id']}")
        assert browser.get("/console").status_code == 401
        assert browser.get("/users").status_code == 401


def test_an_unknown_path_is_closed_too(locked: httpx2.Client) -> None:
    problem_of(locked.get("/nothing"), 401)
    problem_of(locked.get("/docsx"), 401)


def test_a_key_of_another_does_not_tell_whether_an_id_exists(locked: httpx2.Client, sent: Sent) -> None:
    admin = {"x-api-key": ADMIN_KEY}
    assert locked.put("/users/somebody", json={}, headers=admin).status_code == 200
    headers = {"x-api-key": sent.by_scope["behaviors:write"]}
    told = [locked.get(f"/users/{user_id}", headers=headers) for user_id in ("somebody", "nobody-at-all")]
    unlike = {"instance", "request_id"}
    first, second = ({k: v for k, v in json.loads(one.text).items() if k not in unlike} for one in told)
    assert first == second


def test_a_network_gets_nothing_while_there_is_no_key(api_database_url: str, tmp_path: Any) -> None:
    settings = Settings(host="0.0.0.0", data_dir=tmp_path, database_url=api_database_url, _env_file=None)
    service = Service(create_app(settings))
    service.start()
    try:
        problem_of(httpx2.get(f"{service.base_url}/items"), 401)
        assert httpx2.get(f"{service.base_url}/health/live").status_code == 200
    finally:
        service.stop()


def test_serving_a_network_without_a_key_is_refused() -> None:
    with pytest.raises(Misconfigured) as refusal:
        Settings(host="0.0.0.0", _env_file=None).refuse_useless_door(has_keys=False)
    assert "portrait keys create" in refusal.value.hint
    Settings(host="0.0.0.0", _env_file=None).refuse_useless_door(has_keys=True)
    Settings(host="0.0.0.0", api_keys=(SecretStr(ADMIN_KEY),), _env_file=None).refuse_useless_door(has_keys=False)
    Settings(host="::1", _env_file=None).refuse_useless_door(has_keys=False)


def test_a_key_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    short = secrets.token_hex(4)
    monkeypatch.setenv("PORTRAIT_API_KEYS", short)
    with pytest.raises(Misconfigured) as refusal:
        Settings.load()
    assert short not in refusal.value.hint
    assert "PORTRAIT_API_KEYS" in refusal.value.hint
