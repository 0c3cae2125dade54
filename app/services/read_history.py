"""How a user's profile came to be what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from datetime import UTC, datetime
from typing import NamedTuple
from weakref import WeakKeyDictionary

from app.domain.errors import Fault, InvalidInput, NotFound
from app.domain.history import History, Version
from app.profiles.edit_marks import held_at, marks_of
from app.profiles.edits import touched
from app.profiles.history import history_of, reader
from app.retrieval.base import World
from app.services.context import Context
from app.services.user_state import interactions_of
from app.storage.profiles import StoredLog, load_log_until

NO_CONSENT = "The user does not consent to being profiled, so nothing is worked out of what they do."
NOTHING_YET = "Nothing was recorded of this user in this time."
# Some 100 kB each, of users whose history is being paged through.
MOST_HISTORIES = 100
_ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)


class Span(NamedTuple):
    """What is asked for: after `since` and up to `until`, None for all there is."""

    since: datetime | None = None
    until: datetime | None = None


async def read_history(ctx: Context, user_id: str, span: Span, n_older: int | None, limit: int) -> History:
    """Up to `limit` versions, the newest first, of the oldest `n_older` ones: those behind the page before.

    Counted from the oldest, so that what happens meanwhile moves no page. Raises NotFound (`user_unknown`) and
    InvalidInput.
    """
    if span.since is not None and span.until is not None and span.since >= span.until:
        raise _backwards()
    log = await load_log_until(ctx.db, user_id, span.until or _ALWAYS)
    if log is None:
        raise NotFound("Nothing is known of this user.", "Post a behaviour to start the profile.", code="user_unknown")
    if not log.consent:
        return History(log.user_id, reason=NO_CONSENT)
    versions = (await _versions(ctx, log, span))[:n_older]
    first = max(0, len(versions) - limit)
    return History(log.user_id, tuple(reversed(versions[first:])), first, None if versions else NOTHING_YET)


_kept: WeakKeyDictionary[World, dict[tuple[str, Span], tuple[Hashable, list[Version]]]] = WeakKeyDictionary()


async def _versions(ctx: Context, log: StoredLog, span: Span) -> list[Version]:
    """Kept for the pages that follow. Worked out beside the event loop: it takes .2 s for 5,000 behaviours."""
    kept, key = _kept.setdefault(ctx.world, {}), (log.user_id, span)
    held, now = kept.pop(key, None), ctx.now()
    # Edits expire without a new place in the log.
    made_of = log.last_seq, sum(edit.expires_at is not None and edit.expires_at <= now for edit in log.edits)
    if held is None or held[0] != made_of:
        held = made_of, await asyncio.to_thread(_worked_out, ctx, log, span)
    kept[key] = held
    while len(kept) > MOST_HISTORIES:
        kept.pop(next(iter(kept)))
    return held[1]


def _worked_out(ctx: Context, log: StoredLog, span: Span) -> list[Version]:
    since, until = span
    rows, world = list(interactions_of(ctx, log.rows)), ctx.world
    plain = reader(world.catalogue, world.space, ctx.half_lives)
    return history_of(
        rows,
        world.catalogue,
        world.space,
        ctx.half_lives,
        read=lambda state, at: touched(*plain(state, at), held_at(log.edits, at)),
        marks=marks_of(log.edits, min(until or ctx.now(), ctx.now()).timestamp()),
        since=since.timestamp() if since else None,
    )


def _backwards() -> InvalidInput:
    fault = Fault("invalid_value", "?since", "`since` is not before `until`.", "Swap them, or leave one of them out.")
    return InvalidInput(fault.detail, fault.hint, faults=(fault,))
