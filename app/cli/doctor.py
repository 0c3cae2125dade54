"""`portrait doctor`: a line for each part, and what to do about a red one."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.cli.database import opened
from app.cli.voice import say
from app.domain.errors import PortraitError
from app.settings import Settings, misspelt

if TYPE_CHECKING:
    from app.registry.store import Store
    from app.storage.engine import Database

_LEAST_DISK_BYTES = 2 * 1024**3
_OLDEST_POSTGRES = 14
_COLORS = {"ok": "green", "note": "yellow", "bad": "red"}
_SIGNS = {"ok": "✓", "note": "!", "bad": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    state: Literal["ok", "note", "bad"]
    text: str
    hint: str = ""


def run_doctor() -> int:
    """1 when something is red."""
    findings = list(examine())
    for found in findings:
        color = _COLORS[found.state]
        say(f"[{color}]{_SIGNS[found.state]}[/] {found.part:<12} {found.text}")
        if found.hint:
            say(f"  {'':<12} [dim]{found.hint}[/]")
    return int(any(found.state == "bad" for found in findings))


def examine() -> Iterator[Finding]:
    """Every part, also when others fail."""
    try:
        settings = Settings.load()
    except PortraitError as error:
        yield Finding("settings", "bad", error.detail, error.hint)
        return
    yield from _settings()
    yield _disk(settings.data_dir)
    yield _port(settings)
    yield _tried("encoder", lambda: _encoder(settings))
    try:
        with opened(settings) as (named, url):
            yield from asyncio.run(_database(named, url))
    except PortraitError as error:
        hint = "Start it, or correct PORTRAIT_DATABASE_URL." if settings.database_url else error.hint
        yield Finding("database", "bad", error.detail, hint)


def _tried(part: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except PortraitError as error:
        return Finding(part, "bad", error.detail, error.hint)


def _settings() -> Iterator[Finding]:
    strange = misspelt()
    for name, meant in strange.items():
        yield Finding("settings", "note", f"{name} is no setting.", f"Did you mean {meant}?")
    if not strange:
        yield Finding("settings", "ok", "read")


def _disk(data_dir: Path) -> Finding:
    home = next(folder for folder in (data_dir, *data_dir.resolve().parents) if folder.is_dir())
    free = shutil.disk_usage(home).free
    text = f"{free / 1024**3:.0f} GB free at {data_dir}"
    if free < _LEAST_DISK_BYTES:
        return Finding("disk", "bad", text, "Free some space, or set PORTRAIT_DATA_DIR to a larger disk.")
    return Finding("disk", "ok", text)


def _port(settings: Settings) -> Finding:
    text = f"{settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((settings.host, settings.port))
        except OSError as error:
            hint = "Fine while the service runs; otherwise stop what uses it, or set PORTRAIT_PORT."
            return Finding("port", "note", f"{text}: {error.strerror}", hint)
    return Finding("port", "ok", f"{text} is free")


def _encoder(settings: Settings) -> Finding:
    from app.encoders.weights import locate

    weights = locate(settings.encoder_model)
    return Finding("encoder", "ok", f"{weights.name}, weights checked by SHA-256")


async def _database(settings: Settings, url: str) -> list[Finding]:
    from app.storage.engine import Database

    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # the finding says it
    db = await Database.open(url, 1, settings.master_keys)
    try:
        return [await _server(db), await _durability(db), await _encryption(db), *await _contents(db, settings)]
    finally:
        await db.close()


async def _server(db: Database) -> Finding:
    async with db.connection() as connection:
        (version,) = await (await connection.execute("SHOW server_version")).fetchone() or ("?",)
    if int(version.split(".")[0]) < _OLDEST_POSTGRES:
        return Finding("database", "bad", f"Postgres {version}", f"Postgres {_OLDEST_POSTGRES} or newer is needed.")
    return Finding("database", "ok", f"Postgres {version}")


async def _durability(db: Database) -> Finding:
    from app.storage.durability import unsafe_settings

    unsafe = await unsafe_settings(db)
    if unsafe:
        hint = "Switch them on, or a crash loses behaviours that were confirmed."
        return Finding("durability", "bad", f"{', '.join(unsafe)} off", hint)
    return Finding("durability", "ok", "what is confirmed is on disk")


async def _encryption(db: Database) -> Finding:
    sealed = (await db.vault()).seals
    return Finding("encryption", "ok", "users are stored encrypted" if sealed else "users are stored in plain text")


async def _contents(db: Database, settings: Settings) -> list[Finding]:
    from app.storage import migrate

    found, needed = await migrate.revision(db), migrate.head()
    if found != needed:
        text = f"the database is at revision {found or 'none'}, this release needs {needed}"
        return [Finding("migrations", "bad", text, "Run: portrait db upgrade")]
    keys = await _keys(db, settings)
    models = [await _model(db, settings, kind) for kind in ("space", "generators")]
    return [Finding("migrations", "ok", f"at {found}"), keys, *models]


async def _keys(db: Database, settings: Settings) -> Finding:
    from app.storage.keys import has_key_in_force

    has_keys = await has_key_in_force(db)
    try:
        settings.refuse_useless_door(has_keys)
    except PortraitError as error:
        return Finding("keys", "bad", error.detail, error.hint)
    is_closed = has_keys or settings.api_keys or settings.oidc_issuer
    return Finding("keys", "ok", "nobody comes in without one" if is_closed else "none in force")


async def _model(db: Database, settings: Settings, kind: str) -> Finding:
    from app.registry.store import Store
    from app.storage.models import live_model

    part = "index" if kind == "space" else "model"
    live = await live_model(db, kind)
    if live is None:
        return Finding(part, "note", "none yet", "The jobs make one when there are items and behaviours.")
    return _tried(part, lambda: _opened(Store(settings.artifacts_dir), live.manifest, f"version {live.version}", part))


def _opened(store: Store, manifest: dict[str, object], text: str, part: str) -> Finding:
    store.open(manifest)
    return Finding(part, "ok", f"{text}, checked by SHA-256")
