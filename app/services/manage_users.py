"""Users, as the caller knows them: attributes beside behaviours."""

from __future__ import annotations

from typing import Any

from app.domain.behavior import Behavior
from app.domain.errors import NotFound
from app.domain.user import User
from app.services.context import Context
from app.storage import behaviors
from app.storage import users as store


async def put_user(ctx: Context, user_id: str, attributes: dict[str, Any]) -> User:
    """Replaces all attributes; a user who is not there yet begins."""
    return await store.put_user(ctx.db, ctx.secret, user_id, attributes)


async def put_consent(ctx: Context, user_id: str, consent: bool) -> User:
    """Whether the user may be profiled. Without it nothing new is stored; what is there stays until it is erased."""
    return await store.put_consent(ctx.db, ctx.secret, user_id, consent)


async def patch_user(ctx: Context, user_id: str, changes: dict[str, Any]) -> User:
    """Changes the attributes named; None removes one."""
    return _known(await store.patch_user(ctx.db, user_id, changes))


async def get_user(ctx: Context, user_id: str) -> User:
    return _known(await store.get_user(ctx.db, user_id))


async def list_users(ctx: Context, after: str | None, limit: int) -> list[User]:
    """Up to `limit` users behind the id `after`, in order of their ids."""
    return await store.list_users(ctx.db, after, limit)


async def find_users(ctx: Context, start: str, limit: int) -> list[User]:
    """Up to `limit` users whose id begins with `start`, in order of their ids; the one of that very id comes first."""
    return await store.list_users_beginning(ctx.db, start, limit)


async def list_behaviors(ctx: Context, user_id: str, before_seq: int | None, limit: int) -> list[tuple[int, Behavior]]:
    """(seq, behaviour), the latest received first. NotFound `user_unknown`."""
    user = await get_user(ctx, user_id)
    return await behaviors.list_behaviors(ctx.db, user.user_id, before_seq, limit)


def _known(user: User | None) -> User:
    if user is None:
        raise NotFound(
            "No user has this id.",
            "Users begin with their first behaviour. Recommendations work for unknown users too.",
            code="user_unknown",
        )
    return user
