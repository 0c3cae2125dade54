"""What a worker keeps in memory of people is dropped when somebody was erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.services.context import Context
from app.services.user_state import forget_states
from app.storage.erasures import last_erasure


class Forgetter:
    """Asked once a second. Nothing that is kept is served to anybody after an erasure in any case: versions go on."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._seen: datetime | None = None

    async def step(self) -> None:
        """Drops the states, the unwrapped keys, and with the world what was worked out in it, of everybody.

        Raises Locked, Unavailable.
        """
        erased_at = await last_erasure(self._ctx.db)
        if erased_at != self._seen:
            forget_states()
            (await self._ctx.db.vault()).forget()
            self._ctx.world = replace(self._ctx.world)
        self._seen = erased_at
