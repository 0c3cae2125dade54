"""Real parts for all tests: one embedded Postgres and one encoder a session, one fresh migrated database a test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from app.domain.catalogue import Catalogue
from app.encoders.text_encoder import TextEncoder
from app.index.faiss_space import FaissSpace
from app.privacy.encryption import MasterKeys
from app.registry.store import Store
from app.retrieval.base import World
from app.services.context import Context
from app.services.follow import Follower
from app.storage.embedded import EmbeddedPostgres
from app.storage.engine import Database
from app.storage.migrate import upgrade

_TEMPLATE = "portrait_template"
_numbers = itertools.count(1)

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("portrait", deadline=None)
settings.load_profile("portrait")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded server's address, with a migrated database to copy from."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("portrait"))
    url = server.start()
    try:
        _execute(url, f"CREATE DATABASE {_TEMPLATE}")
        upgrade(_of(url, _TEMPLATE))
        yield url
    finally:
        server.stop()


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    name = f"test_{next(_numbers)}"
    _execute(server_url, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield _of(server_url, name)
    _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def master() -> MasterKeys | None:
    """None: users are stored in plain text. Modules that ask for both have a fixture of their own."""
    return None


@pytest.fixture
async def db(database_url: str, master: MasterKeys | None) -> AsyncIterator[Database]:
    database = await Database.open(database_url, master=master)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def encoder() -> TextEncoder:
    encoder = TextEncoder()
    encoder.load()
    return encoder


@pytest.fixture
async def context(db: Database, encoder: TextEncoder, tmp_path: Path) -> Context:
    """All parts of a worker on an empty database, its world loaded by the follower."""
    ctx = Context(
        db=db,
        encoder=encoder,
        store=Store(tmp_path / "artifacts"),
        world=World(Catalogue(), FaissSpace(), (), "none"),
        now=lambda: datetime.now(UTC),
    )
    await Follower(ctx).start()
    return ctx


def _of(url: str, name: str) -> str:
    return url.replace("/portrait?", f"/{name}?")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
