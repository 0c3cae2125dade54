from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database without tables."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE without_tables")
        yield server_url.replace("/portrait?", "/without_tables?")
        connection.execute("DROP DATABASE without_tables WITH (FORCE)")
