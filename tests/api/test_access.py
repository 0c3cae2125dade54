"""Keys: with them nobody comes in without one, and without them nobody comes from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from app.domain.errors import Misconfigured
from app.main import create_app
from app.settings import Settings

from .wire import OPERATIONS, filled, problem_of, start_service

KEY = "pk_test_0123456789abcdef0123456789abcdef"
OPEN = ("/health", "/errors")


@pytest.fixture(scope="module")
def locked(api_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    service = start_service(api_database_url, tmp_path_factory.mktemp("locked"), api_keys=(SecretStr(KEY),))
    with httpx2.Client(base_url=service.base_url) as client:
        yield client
    service.stop()


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if not one[1].startswith(OPEN)])
@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": KEY + "x"}, {"authorization": f"Basic {KEY}"}, {"authorization": "Bearer x"}]
)
def test_no_call_is_open_without_the_key(
    locked: httpx2.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = locked.request(method, filled(path), json={}, headers=headers)
    assert problem_of(answer, 401)["code"] == "access_denied"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_an_unknown_path_is_closed_too(locked: httpx2.Client) -> None:
    problem_of(locked.get("/nothing"), 401)
    problem_of(locked.get("/docsx"), 401)


@pytest.mark.parametrize("headers", [{"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}])
def test_the_key_opens(locked: httpx2.Client, headers: dict[str, str]) -> None:
    assert locked.get("/items", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/docs", "/redoc", "/openapi.json", "/errors/access_denied"])
def test_what_tells_nothing_about_anybody_needs_no_key(locked: httpx2.Client, path: str) -> None:
    assert locked.get(path).status_code == 200


def test_without_a_key_only_the_loopback_is_served(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refusal:
        create_app(Settings(host="0.0.0.0", data_dir=tmp_path, _env_file=None))
    assert "PORTRAIT_API_KEYS" in refusal.value.hint
    create_app(Settings(host="0.0.0.0", api_keys=(SecretStr(KEY),), data_dir=tmp_path, _env_file=None))
    create_app(Settings(host="::1", data_dir=tmp_path, _env_file=None))


def test_a_key_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTRAIT_API_KEYS", "short")
    with pytest.raises(Misconfigured) as refusal:
        Settings.load()
    assert "short" not in refusal.value.hint
    assert "PORTRAIT_API_KEYS" in refusal.value.hint
