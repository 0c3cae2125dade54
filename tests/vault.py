"""What the tests of an encrypted database say often."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator

import psycopg

from app.privacy.encryption import MasterKeys
from app.storage.engine import Database

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
MASTER = MasterKeys(KEY)
# For a fixture `master` that runs the tests of a module on a database in plain text and on an encrypted one.
BOTH_WAYS = {"params": [None, MASTER], "ids": ["plain", "encrypted"]}


def encoded(key: bytes) -> str:
    """As PORTRAIT_MASTER_KEY is written."""
    return base64.b64encode(key).decode()


async def opened(url: str, *keys: bytes) -> Database:
    return await Database.open(url, 4, MasterKeys(*keys) if keys else None)


def everything(url: str) -> str:
    """Every column of every table, as Postgres writes it: text and JSON as they are, bytes in hexadecimal digits."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        names = [name for (name,) in tables.fetchall()]
        rows = [connection.execute(f"SELECT '{name} ' || t::text FROM {name} t".encode()).fetchall() for name in names]
    return "\n".join(row for found in rows for (row,) in found)


def forms(secret: str) -> Iterator[str]:
    """How it could be there: as it is, as Postgres shows bytes, and in base64 at any place of a longer text."""
    raw = secret.encode()
    yield secret
    yield binascii.hexlify(raw).decode()
    for shift in range(3):
        inner = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        yield inner[(0, 2, 3)[shift] : -1]


def found_in(told: str, secrets: Iterable[str]) -> set[str]:
    """Which of them can be read, in any form and either case."""
    lower = told.lower()
    return {secret for secret in secrets if any(form.lower() in lower for form in forms(secret))}
