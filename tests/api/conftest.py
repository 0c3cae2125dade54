"""The real service on a real socket, one for all API tests: each test brings ids of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import psycopg
import pytest
from pydantic import SecretStr

from app.storage.migrate import upgrade
from tests.vault import KEY, encoded

from .wire import ADMIN_KEY, Service, start_service, wait_for


def _fresh_database(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = server_url.replace("/portrait?", f"/{name}?")
    upgrade(url)
    return url


@pytest.fixture(scope="session")
def api_database_url(server_url: str) -> str:
    return _fresh_database(server_url, "api")


@pytest.fixture(scope="session")
def locked_database_url(server_url: str) -> str:
    """The first key in a database closes its service to everybody without one: so keys have a database of their own."""
    return _fresh_database(server_url, "locked")


@pytest.fixture(scope="session")
def service(api_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = start_service(api_database_url, tmp_path_factory.mktemp("data"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def encrypted_service(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """As `service`, with users stored encrypted."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE encrypted_api")
    url = server_url.replace("/portrait?", "/encrypted_api?")
    upgrade(url)
    started = start_service(url, tmp_path_factory.mktemp("encrypted"), master_key=encoded(KEY))
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


@pytest.fixture(scope="session")
def locked_service(locked_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = start_service(locked_database_url, tmp_path_factory.mktemp("locked"), api_keys=(SecretStr(ADMIN_KEY),))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def locked(locked_service: Service) -> Iterator[httpx2.Client]:
    """Without a key, on a service that has some."""
    with httpx2.Client(base_url=locked_service.base_url, timeout=30) as connected:
        yield connected


@pytest.fixture(scope="session")
def admin(locked_service: Service) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=locked_service.base_url, timeout=30, headers={"x-api-key": ADMIN_KEY}) as connected:
        yield connected
