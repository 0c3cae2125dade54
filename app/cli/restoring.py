"""`portrait import` of what `GET /users/{user_id}/export` gave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.database import opened
from app.cli.voice import say
from app.domain.errors import InvalidInput
from app.services.restore_user import Restored, restore_users

if TYPE_CHECKING:
    from app.settings import Settings


def is_export(paths: Sequence[str]) -> bool:
    """Whether the first line of the first file begins an export of a user."""
    path = Path(paths[0])
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            first = json.loads(file.readline(1_000_000))
        except ValueError:
            return False
    return isinstance(first, dict) and first.get("kind") == "user" and "format" in first


def restore(settings: Settings, paths: Sequence[Path], dry_run: bool) -> None:
    """Raises InvalidInput where a file is not an export, or not all of one."""
    if dry_run:
        n_lines = sum(1 for _ in _lines(paths))
        say(f"{n_lines:,} lines of exports; nothing was imported.")
        return
    told = _store(settings, paths)
    added = f"{told.added:,} behaviours and {told.edits:,} edits added"
    say(f"[green]✓[/] {told.users:,} users, {added}, {told.known:,} known before")
    for code, n in told.refused.most_common():
        say(f"  [yellow]refused[/] {n:,}: {code}")
    if not told.complete:
        raise InvalidInput("An export ends too early: its last line is missing.", "Export the user again.")


def _store(settings: Settings, paths: Sequence[Path]) -> Restored:
    from app.bootstrap import open_context
    from app.storage import migrate

    async def work(named: Settings, lines: Iterable[dict[str, Any]]) -> Restored:
        async with open_context(named) as ctx:
            return await restore_users(ctx, lines)

    with opened(settings) as (named, url):
        migrate.upgrade(url)
        return asyncio.run(work(named, _lines(paths)))


def _lines(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                yield _read(path, number, text)


def _read(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        raise InvalidInput(f"{path.name}, line {number}: this is no JSON object.", "Export the user again.")
    return line
