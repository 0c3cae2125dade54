"""Summaries in the words of a language model: shown where one was written of these very claims, else wanted.

No request waits for a model. What is shown was checked when it came, and is checked again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from app.domain.errors import Unavailable
from app.domain.profile import Profile
from app.profiles.narration import Fact, facts_of, hash_of, prompt_of
from app.profiles.narration_check import fault_of, tidy
from app.storage.engine import Database
from app.storage.narrations import (
    Wanted,
    load_narration,
    put_back,
    refuse_narration,
    save_narration,
    take_wanted,
    want_narration,
)

if TYPE_CHECKING:
    from app.services.context import Context

log = structlog.get_logger()

# Wishes of one process that wait for the database; who is turned away comes again with the next reading.
MOST_WAITING = 100


class Wishes:
    """Writes down who is to be narrated, beside the requests that found it out; of a user only the newest."""

    def __init__(self) -> None:
        self._waiting: dict[str, Wanted] = {}
        self._task: asyncio.Task[None] | None = None

    def put(self, db: Database, wanted: Wanted) -> None:
        """Returns at once."""
        if wanted.user_id in self._waiting or len(self._waiting) < MOST_WAITING:
            self._waiting[wanted.user_id] = wanted
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all(db))

    async def drain(self) -> None:
        """Waits until nothing is left to write; never raises."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _write_all(self, db: Database) -> None:
        while self._waiting:
            wanted = self._waiting.pop(next(iter(self._waiting)))
            try:
                await want_narration(db, wanted)
            except Exception as error:  # only a wish: the next reading has it again
                log.warning("narration_not_wanted", error=type(error).__name__)


async def narrated(ctx: Context, profile: Profile) -> Profile:
    """The profile with its summary in a model's words, or as it is. Claims and evidence stay those of the template."""
    if ctx.narrator is None or not (facts := facts_of(profile.summary.claims)):
        return profile
    wanted = Wanted(profile.user_id, hash_of(facts, ctx.narrator.name), list(facts))
    try:
        kept = await load_narration(ctx.db, profile.user_id)
    except Unavailable:
        return profile
    if kept.profile_hash == wanted.profile_hash and fault_of(kept.text, facts) is None:
        return replace(profile, summary=replace(profile.summary, text=kept.text, generated_by=kept.generated_by))
    if kept.wanted_hash != wanted.profile_hash:
        ctx.wishes.put(ctx.db, wanted)
    return profile


async def narrate(ctx: Context) -> int | None:
    """Writes one of the summaries that are wanted; 1 when one was tried, None when none is.

    Raises Unavailable when the narrator is away; that is nobody's try.
    """
    if ctx.narrator is None or (wanted := await take_wanted(ctx.db)) is None:
        return None
    facts = [Fact(*pair) for pair in wanted.facts]
    try:
        text = tidy(await asyncio.to_thread(ctx.narrator.write, prompt_of(facts)))
    except Unavailable:
        await put_back(ctx.db, wanted)
        raise
    if fault := fault_of(text, facts):
        log.info("narration_refused", reason=fault)
        await refuse_narration(ctx.db, wanted, fault)
    else:
        await save_narration(ctx.db, wanted, ctx.narrator.name, text)
    return 1
