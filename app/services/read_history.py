"""How a user's profile came to be what it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from app.domain.errors import Fault, InvalidInput, NotFound
from app.domain.history import History, Version
from app.profiles.history import history_of
from app.retrieval.base import World
from app.services.context import Context
from app.services.user_state import interactions_of
from app.storage.profiles import StoredLog, load_log_until

NO_CONSENT = "The user does not consent to being profiled, so nothing is worked out of what they do."
NOTHING_YET = "Nothing was recorded of this user in this time."
# Some 100 kB each, of users whose history is being paged through.
MOST_HISTORIES = 100
_ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)

Key = tuple[str, datetime | None, datetime | None]
_kept: WeakKeyDictionary[World, dict[Key, tuple[int, list[Version]]]] = WeakKeyDictionary()


async def read_history(ctx: Context, user_id: str, since: datetime | None, until: datetime | None) -> History:
    """Every version after `since` and up to `until`. Raises NotFound (`user_unknown`) and InvalidInput."""
    if since is not None and until is not None and since >= until:
        raise _backwards()
    log = await load_log_until(ctx.db, user_id, until or _ALWAYS)
    if log is None:
        raise NotFound(
            "Nothing is known of this user.", "Post a behaviour to start the profile.", code="user_unknown"
        )
    if not log.consent:
        return History(user_id, (), NO_CONSENT)
    versions = await _versions(ctx, log, since, until)
    return History(user_id, tuple(reversed(versions)), None if versions else NOTHING_YET)


async def _versions(ctx: Context, log: StoredLog, since: datetime | None, until: datetime | None) -> list[Version]:
    """Kept for the pages that follow. Works beside the event loop: .2 s for 5,000 behaviours."""
    kept, key = _kept.setdefault(ctx.world, {}), (log.user_id, since, until)
    held = kept.pop(key, None)
    if held is None or held[0] != log.last_seq:
        held = log.last_seq, await asyncio.to_thread(_worked_out, ctx, log, since)
    kept[key] = held
    while len(kept) > MOST_HISTORIES:
        kept.pop(next(iter(kept)))
    return held[1]


def _worked_out(ctx: Context, log: StoredLog, since: datetime | None) -> list[Version]:
    rows = list(interactions_of(ctx, log.rows))
    world, start = ctx.world, since.timestamp() if since else None
    return history_of(rows, world.catalogue, world.space, ctx.half_lives, since=start)


def _backwards() -> InvalidInput:
    fault = Fault("invalid_value", "?since", "`since` is not before `until`.", "Swap them, or leave one of them out.")
    return InvalidInput(fault.detail, fault.hint, faults=(fault,))
