"""Whether what is counted, cached and published agrees with the log and the catalogue.

Reads only, page by page, so that it may run beside a busy service and in little memory. Start with `verify`; what
concerns the catalogue and the artifacts is in `verify_world`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import msgspec

from app.profiles.distance import CLOSE, distance
from app.profiles.fold import fold
from app.profiles.state import State, decode_state
from app.services.context import Context
from app.services.user_state import fold_key, interactions_of
from app.storage.audit import (
    Counters,
    StoredCheckpoint,
    find_orphans,
    one_moment,
    read_checkpoints,
    read_counters,
    sample_users,
    stream_rows,
)
from app.storage.engine import Connection
from app.storage.learned import next_users
from app.storage.profiles import StoredRow
from app.storage.quarantine import count_quarantined

PAGE = 200
# How many of the things that are wrong are told.
TOLD = 3
_FOLD_ROWS = 2_000


@dataclass(slots=True)
class Checked:
    """One line of the report. `examples` are the first of what is wrong; `note` is worth knowing and not wrong."""

    what: str
    n_looked_at: int = 0
    n_wrong: int = 0
    examples: list[str] = field(default_factory=list)
    note: str = ""

    def wrong(self, example: str) -> None:
        self.n_wrong += 1
        if len(self.examples) < TOLD:
            self.examples.append(example)


async def verify_users(ctx: Context, n_users: int | None = None) -> list[Checked]:
    """Counters, checkpoints and orphans, of all users or of `n_users` drawn at random. Raises Unavailable."""
    counters, checkpoints = Checked("counters and log"), Checked("checkpoints and a fresh fold")
    n_unsound = 0
    async for page in _pages(ctx, n_users):
        async with one_moment(ctx.db) as connection:
            for one in await read_counters(connection, page):
                _check_counters(counters, one)
                n_unsound += one.n_unsound
            await _check_checkpoints(ctx, connection, checkpoints, page)
    return [counters, checkpoints, await _orphans(ctx), await _quarantine(ctx, n_unsound)]


async def _pages(ctx: Context, n_users: int | None) -> AsyncIterator[list[str]]:
    if n_users is not None:
        drawn = await sample_users(ctx.db, n_users)
        for start in range(0, len(drawn), PAGE):
            yield drawn[start : start + PAGE]
        return
    after = ""
    while page := await next_users(ctx.db, after, PAGE):
        yield page
        after = page[-1]


def _check_counters(finding: Checked, one: Counters) -> None:
    finding.n_looked_at += 1
    for why in _disagreements(one):
        finding.wrong(f"{one.user_id}: {why}")


def _disagreements(one: Counters) -> list[str]:
    found = []
    if one.n_rows < one.n_behaviors:
        found.append(f"{one.n_behaviors - one.n_rows} of {one.n_behaviors} behaviours are missing")
    if one.n_rows > one.n_behaviors:
        found.append(f"{one.n_rows - one.n_behaviors} behaviours more than the {one.n_behaviors} that were accepted")
    if one.n_places < one.n_rows:
        found.append(f"{one.n_rows - one.n_places} behaviours share a place in the log")
    if one.last_place > one.last_seq or one.first_place < 1:
        found.append(f"places {one.first_place} to {one.last_place}, but only 1 to {one.last_seq} were handed out")
    return found


async def _check_checkpoints(ctx: Context, connection: Connection, finding: Checked, page: Sequence[str]) -> None:
    vault = await ctx.db.vault()
    found = {one.user_id: one for one in await read_checkpoints(connection, vault, page, fold_key(ctx))}
    finding.n_looked_at += len(found)
    folding: list[StoredRow] = []
    user_id, state = "", State()
    async for of, row in _ending(stream_rows(connection, vault, list(found.values()))):
        if of != user_id or len(folding) == _FOLD_ROWS:
            fold(state, interactions_of(ctx, folding), ctx.half_lives)
            folding = []
        if of != user_id:
            _compare(finding, found.pop(user_id, None), state)
            user_id, state = of, State()
        if row is not None:
            folding.append(row)
    for alone in found.values():  # of logs without a row
        _compare(finding, alone, State())


async def _ending(rows: AsyncIterator[tuple[str, StoredRow]]) -> AsyncIterator[tuple[str, StoredRow | None]]:
    """With an end that belongs to nobody, so that the last user is compared as well."""
    async for user_id, row in rows:
        yield user_id, row
    yield "", None


def _compare(finding: Checked, kept: StoredCheckpoint | None, fresh: State) -> None:
    if kept is None:
        return
    try:
        apart = distance(decode_state(kept.state), fresh)
    except msgspec.DecodeError:
        finding.note = "some cannot be read; readers pass over them"
        return
    if not apart <= CLOSE:
        finding.wrong(f"{kept.user_id}: the checkpoint at {kept.seq} differs from a fresh fold by {apart:.1e}")


async def _orphans(ctx: Context) -> Checked:
    n, user_id = await find_orphans(ctx.db)
    finding = Checked("behaviours without a user", n_wrong=n)
    finding.examples += [f"{user_id}: {n} behaviours of unknown users in all"] if n else []
    return finding


async def _quarantine(ctx: Context, n_unsound: int) -> Checked:
    n = await count_quarantined(ctx.db)
    notes = [f"{n} set apart: `portrait redrive` tries them again"] if n else []
    notes += [f"{n_unsound} more will be, when somebody reads them"] if n_unsound else []
    return Checked("quarantine", n, note="; ".join(notes))
