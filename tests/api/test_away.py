"""The database is away: writes say when to come back, recommendations still come, nothing hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from .wire import problem_of, start_service


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    service = start_service("postgresql://nobody@127.0.0.1:1/none", tmp_path_factory.mktemp("alone"))
    with httpx2.Client(base_url=service.base_url, timeout=20) as client:
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
