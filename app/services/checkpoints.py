"""Checkpoints are saved beside the requests that found a long tail."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import structlog

from app.profiles.state import State, encode_state
from app.storage.engine import Database
from app.storage.profiles import save_checkpoint

log = structlog.get_logger()

# A state takes about 100 kB; who is turned away comes again with the next behaviour.
MOST_WAITING = 500


class Checkpoint(NamedTuple):
    user_id: str
    version: int
    fold_key: str
    state: State


class CheckpointSaver:
    """Saves one after the other, so that readers keep the connections; of a user's only the newest."""

    def __init__(self) -> None:
        self._waiting: dict[str, Checkpoint] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def n_waiting(self) -> int:
        return len(self._waiting)

    def put(self, db: Database, checkpoint: Checkpoint) -> None:
        """Returns at once. The state must not change any more."""
        if checkpoint.user_id in self._waiting or len(self._waiting) < MOST_WAITING:
            self._waiting[checkpoint.user_id] = checkpoint
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._save_all(db))

    async def drain(self) -> None:
        """Waits until nothing is left to save; never raises."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _save_all(self, db: Database) -> None:
        while self._waiting:
            user_id, version, fold_key, state = self._waiting.pop(next(iter(self._waiting)))
            try:
                await save_checkpoint(db, user_id, version, fold_key, encode_state(state))
            except Exception as error:  # only a cache: the next reader folds a longer tail
                log.warning("checkpoint_not_saved", error=type(error).__name__)
