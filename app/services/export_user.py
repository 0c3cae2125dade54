"""Everything that is stored of a user, a line each; `restore_user` reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec

from app.domain.user import User
from app.services.context import Context
from app.services.manage_users import get_user
from app.storage.behaviors import read_behaviors
from app.storage.edits import load_edits
from app.storage.users import other_ids

FORMAT = 1
PAGE = 1_000
_encode = msgspec.json.Encoder().encode


async def export_user(ctx: Context, user_id: str) -> AsyncIterator[bytes]:
    """Lines of JSON as of now: the user, other ids, edits, every behaviour in the order of arrival, and their number.

    Whoever misses the last line does not hold all. Raises NotFound `user_unknown`, before the first line.
    """
    return _lines(ctx, await get_user(ctx, user_id))


async def _lines(ctx: Context, user: User) -> AsyncIterator[bytes]:
    yield _line("user", {"format": FORMAT, "exported_at": ctx.now()} | _named(user))
    for other_id, merged_at in await other_ids(ctx.db, user.user_id):
        yield _line("merge", {"from": other_id, "merged_at": merged_at})
    for edit in await load_edits(ctx.db, user.user_id):
        yield _line("edit", _named(replace(edit, embedding=None)))
    after = n_behaviors = 0
    while page := await read_behaviors(ctx.db, user.user_id, after, user.last_seq, PAGE):
        after, n_behaviors = page[-1][0], n_behaviors + len(page)
        yield b"".join(_line("behavior", _named(behavior)) for _, behavior in page)
    yield _line("end", {"behaviors": n_behaviors})


def _named(one: object) -> dict[str, Any]:
    named: dict[str, Any] = msgspec.to_builtins(one)
    return named


def _line(kind: str, fields: dict[str, Any]) -> bytes:
    return _encode({"kind": kind} | fields) + b"\n"
