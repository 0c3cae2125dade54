"""What was recommended is recorded beside the requests, many answers at a time."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import replace
from itertools import islice

import structlog

from app.domain.decision import Decision
from app.domain.errors import NotFound, Unavailable
from app.domain.recommendation import Slate
from app.storage.decisions import add_decisions, get_decision
from app.storage.engine import Database

log = structlog.get_logger()

# About 10 kB each; while the database is away nothing more is kept than that.
MOST_WAITING = 5_000
MOST_AT_ONCE = 500
FLUSH_EVERY_S = 0.15
# While the database is away.
RETRY_EVERY_S = 1.0
# How long a reader waits for the queue of another process.
_WAIT_S = 1.0
_LOOK_EVERY_S = 0.1
_OURS = re.compile(r"rec_[0-9a-f]{24}")


class DecisionSaver:
    """Saves one batch after the other. `n_lost` counts what was turned away or could not be saved."""

    def __init__(self) -> None:
        self.n_lost = 0
        self.secret = ""  # what erased users are known again by: nothing of theirs is saved
        self._waiting: deque[Slate] = deque()
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._lock = asyncio.Lock()

    def put(self, db: Database, slate: Slate) -> None:
        """Returns at once."""
        if len(self._waiting) >= MOST_WAITING:
            self._lose(1, "queue_full")
            return
        self._waiting.append(slate)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._save_all(db))

    async def flush(self, db: Database) -> None:
        """Saves what waits by now, or at least tries to. Never raises."""
        async with self._lock:
            for _ in range(0, len(self._waiting), MOST_AT_ONCE):
                await self._save_some(db)

    async def drain(self) -> None:
        """Waits until nothing is left to save; never raises."""
        self._hurry.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _save_all(self, db: Database) -> None:
        pause = FLUSH_EVERY_S
        while self._waiting:
            await self._rest(pause)
            async with self._lock:
                saved = await self._save_some(db)
            if self._hurry.is_set() and not saved:
                self._lose(len(self._waiting), "database_unavailable")
                self._waiting.clear()
            full = len(self._waiting) >= MOST_AT_ONCE
            pause = RETRY_EVERY_S if not saved else 0.0 if full else FLUSH_EVERY_S

    async def _rest(self, pause: float) -> None:
        try:
            async with asyncio.timeout(pause):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _save_some(self, db: Database) -> bool:
        """False while the database is away: the batch waits on. One that it refuses is lost, not tried for ever."""
        batch = list(islice(self._waiting, MOST_AT_ONCE))
        try:
            await add_decisions(db, [_without_words(slate) for slate in batch], self.secret)
        except Unavailable:
            return False
        except Exception as error:  # a defect here must not stop the recording of others
            self._lose(len(batch), type(error).__name__)
        for _ in batch:
            self._waiting.popleft()
        return True

    def _lose(self, n: int, reason: str) -> None:
        self.n_lost += n
        log.warning("decisions_not_recorded", n=n, reason=reason, n_lost=self.n_lost)


async def read_decision(saver: DecisionSaver, db: Database, recommendation_id: str) -> Decision:
    """Right after the answer too, whichever process gave it. NotFound `recommendation_unknown`; Unavailable."""
    if _OURS.fullmatch(recommendation_id):
        await saver.flush(db)
        until = asyncio.get_running_loop().time() + _WAIT_S
        while (found := await get_decision(db, recommendation_id)) is None:
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        if found is not None:
            return found
    raise NotFound(
        "No recommendation has this id.",
        "Take the `recommendation_id` of an answer; they are forgotten after some days.",
        code="recommendation_unknown",
    )


def _without_words(slate: Slate) -> Slate:
    """Of somebody who is not to be known, what was said in words is not kept."""
    if slate.known_as is not None or slate.wish.statement is None:
        return slate
    return replace(slate, wish=replace(slate.wish, statement=None))
