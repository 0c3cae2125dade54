"""The master key changes: no word is sealed anew, only the keys of the users are wrapped with another one."""

from __future__ import annotations

from collections.abc import Callable

from app.privacy.encryption import MasterKeys
from app.storage.engine import Database
from app.storage.rotate import rewrap_lookup, rewrap_some

# A key that changed between two looks at it is found in the next round.
_MOST_ROUNDS = 10


async def rotate_master(db: Database, master: MasterKeys, progress: Callable[[int], None]) -> int:
    """How many users' keys were wrapped anew with the first of the master keys; 0 when all were so already.

    Safe to break off and to repeat, and while services with both keys run. Raises Locked, Unavailable.
    """
    await rewrap_lookup(db, master)
    n_all = 0
    for _ in range(_MOST_ROUNDS):
        n_round = await _round(db, master, lambda n: progress(n_all + n))  # noqa: B023 - called within the round
        n_all += n_round
        if not n_round:
            break
    return n_all


async def _round(db: Database, master: MasterKeys, progress: Callable[[int], None]) -> int:
    n, after = 0, ""
    while True:
        changed, last = await rewrap_some(db, master, after)
        if last is None:
            return n
        n, after = n + changed, last
        progress(n)
