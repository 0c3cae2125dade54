"""The real service on a real socket, one for all API tests: each test brings ids of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import psycopg
import pytest

from app.storage.migrate import upgrade

from .wire import Service, start_service, wait_for


@pytest.fixture(scope="session")
def api_database_url(server_url: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE api")
    url = server_url.replace("/portrait?", "/api?")
    upgrade(url)
    return url


@pytest.fixture(scope="session")
def service(api_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = start_service(api_database_url, tmp_path_factory.mktemp("data"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def base_url(service: Service) -> str:
    return service.base_url


@pytest.fixture(scope="session")
def client(base_url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=base_url, timeout=30) as connected:
        wait_for(lambda: connected.get("/health/ready").json()["parts"]["encoder"]["state"] == "ok")
        yield connected
