"""Stored rows that cannot be folded: found by whoever reads them, set apart beside the request, tried again later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import structlog

from app.profiles.sound import VECTOR, why_unsound
from app.storage.engine import Database
from app.storage.profiles import StoredRow
from app.storage.quarantine import Quarantined, list_quarantined, put_in_quarantine, release

if TYPE_CHECKING:
    from app.services.context import Context

log = structlog.get_logger()

# Users whose rows wait to be set apart; who is turned away is found by the next reader.
MOST_WAITING = 500
PAGE = 500


class Quarantine:
    """Sets rows apart beside the requests that found them; until then every reader passes over them by itself."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[str, str]]] = {}
        self._task: asyncio.Task[None] | None = None

    def look(self, db: Database, user_id: str, rows: Sequence[StoredRow]) -> None:
        """Returns at once."""
        found = [
            (row.behavior_id, reason)
            for row in rows
            if row.flag is None and (reason := why_unsound(row.at, row.value, row.embedding))
        ]
        if not found or (user_id not in self._waiting and len(self._waiting) >= MOST_WAITING):
            return
        self._waiting[user_id] = found
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._put_all(db))

    async def drain(self) -> None:
        """Waits until nothing is left to set apart; never raises."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _put_all(self, db: Database) -> None:
        while self._waiting:
            user_id, found = self._waiting.popitem()
            try:
                await put_in_quarantine(db, user_id, found)
                log.warning("behaviors_quarantined", n=len(found), reasons=sorted({reason for _, reason in found}))
            except Exception as error:  # the next reader finds them again
                log.warning("quarantine_waits", error=type(error).__name__)


async def redrive(ctx: Context) -> tuple[int, int]:
    """Tries all again: (how many are back in their profiles, how many still cannot be folded).

    A row whose only fault is its vector comes back without it and waits for the encoder.
    """
    n_back = n_left = 0
    after = ("", "")
    while page := await list_quarantined(ctx.db, after, PAGE):
        after = page[-1].user_id, page[-1].behavior_id
        for user_id, rows in groupby(page, attrgetter("user_id")):
            of_user = list(rows)
            back = [row for row in of_user if _reason(row) in {None, VECTOR}]
            n_back, n_left = n_back + len(back), n_left + len(of_user) - len(back)
            if back:
                unreadable = [row.behavior_id for row in back if _reason(row)]
                await release(ctx.db, user_id, [row.behavior_id for row in back], unreadable)
    return n_back, n_left


def _reason(row: Quarantined) -> str | None:
    return why_unsound(row.at, row.value, row.embedding)
