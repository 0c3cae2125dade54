"""One learned shop and one server process for all tests of this folder."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.api.wire import wait_for
from tests.cli.portrait import call
from tests.fuzz.service import Server, learn_a_shop, serving


@pytest.fixture(scope="session")
def fuzz_database_url(server_url: str) -> str:
    return _new_database(server_url, "fuzz")


@pytest.fixture(scope="session")
def fuzzer_database_url(server_url: str) -> str:
    return _new_database(server_url, "fuzzer")


def _new_database(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE portrait_template")
    return server_url.replace("/portrait?", f"/{name}?")


@pytest.fixture(scope="session")
def server(fuzz_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fuzz")
    learn_a_shop(fuzz_database_url, folder)
    with serving(fuzz_database_url, folder) as server:
        wait_for(lambda: call(server.port, "/health/ready")["parts"]["encoder"]["state"] == "ok")
        yield server


@pytest.fixture(scope="session")
def document(server: Server) -> dict[str, Any]:
    """What the running service says of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/openapi.json", timeout=10) as answer:
        told: dict[str, Any] = json.load(answer)
    return told
