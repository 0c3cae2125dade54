"""Users come back from exports: the same log, ids, attributes and consent, so the same profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from app.domain.behavior import Behavior
from app.domain.edit import Edit
from app.domain.errors import InvalidInput
from app.domain.limits import MAX_BEHAVIORS
from app.ingest.clean import BehaviorIn, clean
from app.ingest.ids import is_id
from app.services.context import Context
from app.services.export_user import FORMAT
from app.services.manage_users import put_consent, put_user
from app.services.merge_users import merge_users
from app.services.store_entries import Entry, store_entries
from app.storage.edits import restore_edits

# What was flagged stays so and nothing else becomes so: the log was screened when it came in.
_NO_LIMIT = 2**62


@dataclass(slots=True)
class Restored:
    """`known` were stored before, exactly so; `refused` are counted by code. Complete: no export ends too early."""

    users: int = 0
    edits: int = 0
    added: int = 0
    known: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    complete: bool = True


class _Reader:
    """One user after the other."""

    def __init__(self, ctx: Context) -> None:
        rules = replace(ctx.ingest, burst_per_minute=_NO_LIMIT, robot_per_day=_NO_LIMIT)
        self._ctx = replace(ctx, ingest=rules)
        self._user: dict[str, Any] | None = None
        self._waiting: list[dict[str, Any]] = []
        self._edits: list[Edit] = []
        self.told = Restored()

    async def take(self, line: dict[str, Any]) -> None:
        kind = line.get("kind")
        if kind == "user":
            await self._begin(line)
        elif self._user is None:
            raise _not_an_export()
        elif kind == "behavior":
            self._waiting.append(line)
            if len(self._waiting) == MAX_BEHAVIORS:
                await self._store()
        elif kind == "edit":
            self._edits.append(_edit_of(line))
        elif kind == "merge":
            await merge_users(self._ctx, self._user["user_id"], _id_of(line, "from"))
        elif kind == "end":
            await self.end()
        else:
            raise _not_an_export()

    async def end(self) -> None:
        """Consent comes last: without it nothing is stored."""
        await self._store()
        if self._user is not None and self._edits:
            self.told.edits += await restore_edits(self._ctx.db, self._user["user_id"], self._edits)
        if self._user is not None and self._user.get("consent") is False:
            await put_consent(self._ctx, self._user["user_id"], False)
        self._edits = []
        self._user = None

    async def _begin(self, line: dict[str, Any]) -> None:
        if line.get("format") != FORMAT or not isinstance(line.get("attributes"), dict):
            raise _not_an_export()
        await self.leave()
        await put_user(self._ctx, _id_of(line, "user_id"), line["attributes"])
        self._user = line
        self.told.users += 1

    async def leave(self) -> None:
        """The next user comes, or nothing more: where no last line was seen, the export is not whole."""
        if self._user is not None:
            self.told.complete = False
            await self.end()

    async def _store(self) -> None:
        entries = [self._entry(index, line) for index, line in enumerate(self._waiting)]
        good = [one for one in entries if one is not None]
        self._waiting = []
        tally = await store_entries(self._ctx, good)
        self.told.added += tally.accepted
        self.told.known += tally.duplicates
        self.told.refused.update(one.fault.code for one in tally.rejected)

    def _entry(self, index: int, line: dict[str, Any]) -> Entry | None:
        raw = {name: value for name, value in line.items() if name in BehaviorIn.model_fields and value is not None}
        behavior = clean(raw, self._ctx.ingest, self._ctx.now())
        if isinstance(behavior, Behavior):
            return Entry(index, replace(behavior, timed=line.get("timed") is not False, flag=line.get("flag")))
        self.told.refused[behavior[0].code] += 1
        return None


async def restore_users(ctx: Context, lines: Iterable[dict[str, Any]]) -> Restored:
    """Safe to repeat: nothing is added twice. Raises InvalidInput at a line that is not of an export, Unavailable."""
    reader = _Reader(ctx)
    for line in lines:
        await reader.take(line)
    await reader.leave()
    return reader.told


def _id_of(line: dict[str, Any], name: str) -> str:
    value = line.get(name)
    if not isinstance(value, str) or not is_id(value):
        raise _not_an_export()
    return value


def _edit_of(line: dict[str, Any]) -> Edit:
    try:
        return msgspec.convert({name: value for name, value in line.items() if name != "kind"}, Edit)
    except msgspec.ValidationError:
        raise _not_an_export() from None


def _not_an_export() -> InvalidInput:
    return InvalidInput(
        "A line is not of an export of a user.", "Import the answer of GET /users/{user_id}/export as it came."
    )
