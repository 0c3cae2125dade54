"""The database is away: writes say when to come back, recommendations still come, nothing hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from .wire import ADMIN_KEY, problem_of, start_service

AWAY = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    service = start_service(AWAY, tmp_path_factory.mktemp("alone"), api_keys=(SecretStr(ADMIN_KEY),))
    with httpx2.Client(base_url=service.base_url, timeout=20, headers={"x-api-key": ADMIN_KEY}) as client:
        yield client
    service.stop()


def test_a_write_is_answered_503_with_retry_after_within_3_s(alone: httpx2.Client) -> None:
    started = time.monotonic()
    answer = alone.post("/behaviors", json={"user_id": "u", "item_id": "i", "type": "view"})
    assert problem_of(answer, 503)["code"] == "database_unavailable"
    assert int(answer.headers["retry-after"]) > 0
    assert time.monotonic() - started < 3.5


def test_recommendations_come_all_the_same_and_say_that_they_are_degraded(alone: httpx2.Client) -> None:
    answer = alone.get("/users/u/recommendations")
    assert answer.status_code == 200
    assert answer.json()["degraded"] is True
    assert answer.json()["fallback_reason"] == "database_unavailable"


def test_the_console_starts_and_says_so(alone: httpx2.Client) -> None:
    start = alone.get("/console")
    assert start.status_code == 200
    assert "The database does not answer" in start.text
    models = alone.get("/console/models")
    assert models.status_code == 503
    assert "The database does not answer" in models.text


def test_it_lives_and_is_not_ready_with_a_reason(alone: httpx2.Client) -> None:
    assert alone.get("/health/live").status_code == 200
    ready = alone.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["parts"]["database"] == {"state": "failed", "reason": "The database does not answer."}
    assert ready.json()["parts"]["encoder"]["state"] in {"ok", "degraded"}


def test_while_nobody_knows_whether_there_are_keys_nobody_comes_in(alone: httpx2.Client, tmp_path: Path) -> None:
    unknown = {"x-api-key": "pk_3f9a1c2b4d5e_0123456789abcdef"}
    assert problem_of(alone.get("/items", headers=unknown), 503)["code"] == "unavailable"
    service = start_service(AWAY, tmp_path)
    try:
        with httpx2.Client(base_url=service.base_url, timeout=20) as client:
            assert problem_of(client.get("/users/u/recommendations"), 503)["code"] == "unavailable"
            assert client.get("/health/live").status_code == 200
    finally:
        service.stop()


def test_metrics_are_told_and_say_that_the_database_is_away(alone: httpx2.Client) -> None:
    told = alone.get("/metrics")
    assert told.status_code == 200
    assert "portrait_database_up 0.0" in told.text
