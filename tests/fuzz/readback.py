"""What was accepted must be there, exactly as it was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fuzz.link import Answer
from tests.fuzz.message import Heard, quoted
from tests.fuzz.samples import PASSING

Get = Callable[[bytes], Awaitable[Answer]]

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))")
_TIMES = frozenset({"occurred_at", "published_at"})
# Where one request alone says what must be there; behaviours of users whom other calls erase are not looked at.
_RESOURCE = re.compile(rb"/(items|users|scenarios)/[^/?]+")
# What the service makes up where nothing was sent.
_MADE_UP = frozenset({"behavior_id", "occurred_at"})
_MOST_USERS = 3


async def missing(heard: Heard, answer: Answer, get: Get) -> list[str]:
    """Complaints about what an accepted request should have left behind; `get` asks for a target."""
    path = heard.target.partition(b"?")[0]
    if answer.status not in {200, 207} or heard.method not in {"POST", "PUT"}:
        return []
    if path == b"/behaviors":
        return await _behaviors(heard, answer, get)
    if path == b"/items" and heard.method == "POST":
        return await _items(heard, answer, get)
    if heard.method == "PUT" and _RESOURCE.fullmatch(path):
        return await _resource(path, heard, get)
    return []


async def _behaviors(heard: Heard, answer: Answer, get: Get) -> list[str]:
    by_user: dict[str, list[Any]] = {}
    found: list[str] = []
    for entry in _taken(heard, answer):
        if isinstance(entry, dict):
            user_id = entry.get("user_id") or f"session:{entry.get('session_id')}"
            if not user_id.startswith(PASSING):
                by_user.setdefault(user_id, []).append({**entry, "user_id": user_id})
        else:
            found.append(f"taken, though it is no behaviour: {_first_words(entry)}")
    for user_id, entries in list(by_user.items())[:_MOST_USERS]:
        user = b"/users/" + quoted(user_id)
        log = _items_in(await get(user + b"/behaviors?limit=1000"))
        found += [
            f"a behaviour reads back differently: {_first_words(one)}" for one in entries if not _is_among(one, log)
        ]
        for view in (b"/profile?include=evidence", b"/recommendations?explain=full&include=item", b"/profile/history"):
            status = (await get(user + view)).status
            found += [f"{status} for {view.decode()} after accepted behaviours"] * (status != 200)
    return found


async def _items(heard: Heard, answer: Answer, get: Get) -> list[str]:
    last = {entry["item_id"]: entry for entry in _taken(heard, answer)}
    found: list[str] = []
    for item_id, entry in list(last.items())[-_MOST_USERS:]:
        told = await get(b"/items/" + quoted(item_id))
        if told.status != 200 or not _same_fields(entry, json.loads(told.body)):
            found.append(f"an item reads back differently: {_first_words(entry)}")
    return found


async def _resource(path: bytes, heard: Heard, get: Get) -> list[str]:
    sent, told = json.loads(heard.body), await get(path)
    if told.status != 200:
        return [f"{told.status} for what was put"]
    stored = json.loads(told.body)
    same = _same_fields(sent, stored["settings"] if b"/scenarios/" in path else stored)
    return [] if same else [f"it reads back differently: {_first_words(sent)}"]


def _taken(heard: Heard, answer: Answer) -> Iterator[Any]:
    """The entries of a bulk body that the receipt does not refuse."""
    told = json.loads(answer.body)
    refused = {fault["index"] for fault in told["errors"] if "index" in fault}
    entries = _entries(heard)
    return (entry for place, entry in enumerate(entries) if place not in refused)


def _entries(heard: Heard) -> list[Any]:
    """By a reader of its own, not that of the service; an entry that is no JSON is None."""
    kind = dict(heard.headers).get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    text = heard.body.decode()
    if kind not in {"", "application/json"}:
        return [_loaded(line) for line in text.split("\n") if line.strip(" \t\r")]
    told = _loaded(text)
    return told if isinstance(told, list) else [told]


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _items_in(answer: Answer) -> list[Any]:
    items: list[Any] = json.loads(answer.body)["items"] if answer.status == 200 else []
    return items


def _is_among(entry: Any, log: list[Any]) -> bool:
    return any(_same_fields(entry, stored) for stored in log)


def _same_fields(sent: Any, stored: Any) -> bool:
    return all(_same(name, value, stored.get(name)) for name, value in sent.items())


def _same(name: str, sent: Any, stored: Any) -> bool:
    if sent is None:  # what is emptied reads as empty
        return stored is not None if name in _MADE_UP else stored in (None, "", [], {}, True)
    if name in _TIMES and isinstance(sent, str) and isinstance(stored, str):
        return _moment(sent) == _moment(stored)
    return _same_values(sent, stored)


def _same_values(sent: Any, stored: Any) -> bool:
    """As JSON; numbers as doubles."""
    if _is_number(sent) and _is_number(stored):
        return float(sent) == float(stored)
    if type(sent) is not type(stored):
        return False
    if isinstance(sent, dict):
        return sent.keys() == stored.keys() and all(_same_values(sent[key], stored[key]) for key in sent)
    if isinstance(sent, list):
        return len(sent) == len(stored) and all(map(_same_values, sent, stored))
    return bool(sent == stored)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _moment(text: str) -> datetime | None:
    """To the microsecond, finer digits cut off."""
    told = _TIME.fullmatch(text)
    if told is None:
        return None
    at = datetime(*map(int, told.groups()[:6]), int((told[7] or "0")[:6].ljust(6, "0")), tzinfo=UTC)
    zone = timedelta(hours=int(told[9] or 0), minutes=int(told[10] or 0))
    return at + zone if told[8] == "-" else at - zone


def _first_words(value: Any) -> str:
    return json.dumps(value)[:300]
