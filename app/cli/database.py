"""The database a command works with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from app.privacy.encryption import MasterKeys
    from app.settings import Settings
    from app.storage.engine import Database

T = TypeVar("T")


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Settings, str]]:
    """Settings that name a database, and its address: the named one, or the embedded one, joined where it runs."""
    if settings.database_url is not None:
        yield settings, settings.database_url
        return
    from app.storage.embedded import EmbeddedPostgres

    server = EmbeddedPostgres(settings.data_dir)
    url = server.start()
    try:
        yield settings.model_copy(update={"database_url": url}), url
    finally:
        server.stop()


def with_database(work: Callable[[Database, Settings], Awaitable[T]]) -> T:
    """Runs `work` on the database of the settings, brought to the tables of this release."""
    from app.cli.settings import load
    from app.storage import migrate

    with opened(load()) as (settings, url):
        migrate.upgrade(url)
        return asyncio.run(on_database(url, lambda db: work(db, settings), settings.master_keys))


async def on_database(url: str, work: Callable[[Database], Awaitable[T]], master: MasterKeys | None = None) -> T:
    from app.storage.engine import Database

    db = await Database.open(url, 1, master)
    try:
        return await work(db)
    finally:
        await db.close()
