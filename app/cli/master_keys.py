"""`portrait keys master` and `rotate-master`: what users are stored encrypted with."""

from __future__ import annotations

import asyncio
import base64
import secrets

from app.cli.database import opened, with_database
from app.cli.settings import load
from app.cli.voice import console, say
from app.domain.errors import Misconfigured
from app.privacy.encryption import KEY_BYTES
from app.services.rotate_master import rotate_master
from app.settings import Settings
from app.storage import migrate
from app.storage.encrypt import encrypt
from app.storage.engine import Database


def fresh_master() -> str:
    """32 random bytes, as PORTRAIT_MASTER_KEY takes them."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def run_rotation() -> None:
    n = with_database(_rotated)
    say(f"[green]✓[/] The keys of {n:,} users are wrapped with the new master key; the old one opens nothing any more.")
    say("  Now start the services without PORTRAIT_MASTER_KEY_OLD.")


def run_encryption() -> None:
    with opened(load()) as (settings, url):
        if (master := settings.master_keys) is None:
            raise Misconfigured("No master key is set.", "Set PORTRAIT_MASTER_KEY: `portrait keys master` prints one.")
        migrate.upgrade(url)
        with console().status("Users are stored anew ..."):
            n = asyncio.run(encrypt(url, master, lambda _: None))
    say(f"[green]✓[/] {n:,} users are stored encrypted. Keep the master key: without it they are lost.")
    say("  Backups made before, and what Postgres still keeps of its log, hold them in plain text.")


async def _rotated(db: Database, settings: Settings) -> int:
    if settings.master_key_old is None or (master := settings.master_keys) is None:
        raise Misconfigured(
            "Both keys are needed.",
            "Set PORTRAIT_MASTER_KEY to the new key and PORTRAIT_MASTER_KEY_OLD to the one before, here and for every "
            "running service.",
        )
    return await rotate_master(db, master, lambda _: None)
