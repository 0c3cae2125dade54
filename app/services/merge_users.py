"""A visitor turns out to be a known user: from now on both ids stand for one."""

from __future__ import annotations

from app.domain.errors import Fault, InvalidInput
from app.services.context import Context
from app.storage import merge
from app.storage.merge import Merged


async def merge_users(ctx: Context, user_id: str, from_id: str) -> Merged:
    """`from_id` becomes another id of `user_id`, with all that was stored under it. Repeating it changes nothing.

    Raises InvalidInput for one and the same id, and Conflict (see `storage.merge`).
    """
    if user_id == from_id:
        fault = Fault("invalid_value", "/from", "This is the user of the path.", "Name the id that is to be merged.")
        raise InvalidInput("A user cannot be merged with themselves.", fault.hint, faults=(fault,))
    return await merge.merge_users(ctx.db, ctx.secret, user_id, from_id)
