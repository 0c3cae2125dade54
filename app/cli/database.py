"""The database a command works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings


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
