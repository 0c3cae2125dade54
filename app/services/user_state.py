"""A user's state at this moment: the checkpoint and the log behind it, folded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from app.domain.behavior import Interaction
from app.domain.edit import Edit
from app.ingest.weigh import Weights, weigh
from app.profiles.decay import HalfLives
from app.profiles.fold import fold
from app.profiles.sound import why_unsound
from app.profiles.state import State, decode_state
from app.services.checkpoints import Checkpoint
from app.services.context import Context
from app.services.kept import Kept
from app.storage.profiles import StoredLog, StoredRow, load_log, load_log_until

# Folding 64 rows costs about .1 ms, saving a checkpoint about as much as reading one.
LONGEST_TAIL = 64
# A decoded state takes about 100 kB for 400 items, and decoding it again .2 ms.
MOST_STATES = 300
# Goes up with every change of what `fold` keeps, so that older checkpoints are not read.
FOLD_VERSION = 2
_NO_CHECKPOINT = ""


@dataclass(slots=True)
class UserState:
    """`version` grows with every behaviour and every edit; `edits` are those that hold, by seq.

    A user without consent has an empty state and no edits. States are shared: read only.
    """

    user_id: str
    version: int
    consent: bool
    attributes: dict[str, Any]
    updated_at: datetime
    state: State
    edits: tuple[Edit, ...] = ()


async def user_state(ctx: Context, user_id: str, at: datetime | None = None) -> UserState | None:
    """With every behaviour that is committed by now, or that had occurred by `at`; None for an unknown user."""
    if at is not None:
        stored = await load_log_until(ctx.db, user_id, at)
        return _as_it_was(_as_told(stored, at, lambda log: _fold(ctx, log)), stored, at) if stored else None
    return _users.put((ctx.db, user_id), None, await _user_now(ctx, user_id))


def last_seen(ctx: Context, user_id: str) -> UserState | None:
    """As this process read them last, with the edits that hold by now: for while the database is away."""
    user = _users.last((ctx.db, user_id))
    return user and replace(user, edits=tuple(edit for edit in user.edits if edit.holds(ctx.now())))


async def _user_now(ctx: Context, user_id: str) -> UserState | None:
    stored = await load_log(ctx.db, user_id, fold_key(ctx))
    if stored is None:
        return None
    try:
        return _as_told(stored, _now(ctx, stored), lambda log: _kept_state(ctx, log))
    except msgspec.DecodeError:  # what was saved cannot be read: the log is the truth
        stored = await load_log(ctx.db, user_id, _NO_CHECKPOINT)
        return _as_told(stored, _now(ctx, stored), lambda log: _kept_state(ctx, log)) if stored else None


async def user_state_then(ctx: Context, user_id: str, version: int, at: datetime, now: datetime) -> UserState | None:
    """At a version, with what had occurred by `at` and the edits that held at `now`; None for an unknown user."""
    stored = await load_log_until(ctx.db, user_id, at)
    if stored is None:
        return None
    stored.rows = [row for row in stored.rows if row.seq <= version]
    stored.edits = tuple(edit for edit in stored.edits if edit.seq <= version)
    # The database's clock may have stamped them a little ahead of ours.
    held_at = max([now, *(edit.created_at for edit in stored.edits)])
    return _as_told(stored, held_at, lambda log: _fold(ctx, log))


def _now(ctx: Context, stored: StoredLog) -> datetime:
    """Not before the latest change, so that what the database's clock has stamped a little ahead of ours holds too."""
    return max(ctx.now(), stored.updated_at)


def _as_told(stored: StoredLog, at: datetime, fold_of: Callable[[StoredLog], State]) -> UserState:
    state = fold_of(stored) if stored.consent else State()
    edits = tuple(edit for edit in stored.edits if stored.consent and edit.holds(at))
    return UserState(
        stored.user_id, stored.last_seq, stored.consent, stored.attributes, stored.updated_at, state, edits
    )


def _as_it_was(user: UserState, stored: StoredLog, at: datetime) -> UserState:
    """What came later has not touched it yet."""
    changes = [datetime.fromtimestamp(user.state.last_at, UTC)] if user.state.counts else []
    changes += [moment for edit in stored.edits for moment in (edit.created_at, edit.reverted_at) if moment is not None]
    return replace(user, updated_at=max((moment for moment in changes if moment <= at), default=at))


_states: Kept[State] = Kept(MOST_STATES)
_users: Kept[UserState | None] = Kept(MOST_STATES)


def forget_states() -> None:
    """Drops what is kept of everybody; the next read folds anew."""
    _states.clear()
    _users.clear()


def _kept_state(ctx: Context, stored: StoredLog) -> State:
    version = (stored.last_seq, fold_key(ctx), ctx.db)
    return _states.get(stored.user_id, version, lambda: _fold_and_save(ctx, stored))


def _fold_and_save(ctx: Context, stored: StoredLog) -> State:
    state = _fold(ctx, stored)
    if len(stored.rows) > LONGEST_TAIL:
        ctx.checkpoints.put(ctx.db, Checkpoint(stored.user_id, stored.last_seq, fold_key(ctx), state))
    return state


def _fold(ctx: Context, stored: StoredLog) -> State:
    state = decode_state(stored.state) if stored.state is not None else State()
    n_flagged = state.n_flagged
    fold(state, interactions_of(ctx, stored.rows), ctx.half_lives)
    if state.n_flagged > n_flagged:
        ctx.quarantine.look(ctx.db, stored.user_id, stored.rows)
    return state


def interactions_of(ctx: Context, rows: Iterable[StoredRow]) -> Iterator[Interaction]:
    """A stored log with the weights of this service's rules. What cannot be folded counts as flagged."""
    weights = ctx.ingest.weights
    for row in rows:
        yield Interaction(
            row.seq,
            row.behavior_id,
            row.type,
            row.at,
            weigh(weights, row.type, row.value),
            row.item_id,
            row.text,
            row.embedding,
            row.flag is not None or why_unsound(row.at, row.value, row.embedding) is not None,
        )


def fold_key(ctx: Context) -> str:
    """Which checkpoints are of this service's rules."""
    return _hash_of(ctx.ingest.weights, ctx.half_lives)


def _hash_of(weights: Weights, half_lives: HalfLives) -> str:
    return _hash(tuple(sorted(weights.by_type.items())), weights.rating_max, half_lives)


@lru_cache(maxsize=8)
def _hash(by_type: tuple[tuple[str, float], ...], rating_max: float, half_lives: HalfLives) -> str:
    """The rules a state depends on; with others it must be folded anew."""
    rules = [FOLD_VERSION, by_type, rating_max, half_lives.long_days, half_lives.short_days]
    return hashlib.sha256(json.dumps(rules).encode()).hexdigest()[:16]
