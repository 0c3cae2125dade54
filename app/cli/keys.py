"""`portrait keys`: who may do what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.cli.database import with_database
from app.cli.voice import console, say
from app.domain.access import SCOPES, Key
from app.domain.errors import InvalidInput
from app.domain.limits import MAX_KEY_NAME, MAX_PAGE, MAX_RATE
from app.services import manage_keys

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_LONGEST = timedelta(days=36_525)


def create(name: str, scopes: Sequence[str], expires_in: str | None, rate_limit: int | None) -> None:
    """Raises InvalidInput before anything is stored."""
    _check(name, scopes, rate_limit)
    now = datetime.now(UTC)
    expires_at = now + _span(expires_in) if expires_in else None
    key, text = with_database(lambda db, _: manage_keys.create_key(db, now, name, scopes, expires_at, rate_limit))
    say(f"[green]✓[/] Key {key.key_id} may {', '.join(key.scopes)}. It is shown this once:")
    say(text)


def show_keys() -> None:
    from rich.table import Table

    found = with_database(lambda db, _: manage_keys.list_keys(db, None, MAX_PAGE))
    if not found:
        say("No key yet: `portrait keys create` makes one.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("id", "", "scopes", "name", "a minute", "made", "expires", "last used"):
        table.add_column(title, no_wrap=title in {"id", "", "scopes"}, overflow="fold")
    now = datetime.now(UTC)
    for key in found:
        table.add_row(*_cells(key, now))
    console().print(table)


def revoke(key_id: str) -> None:
    key = with_database(lambda db, _: manage_keys.revoke_key(db, key_id))
    say(f"[green]✓[/] Key {key.key_id} is revoked; running services refuse it within about a second.")


def _cells(key: Key, now: datetime) -> tuple[str, ...]:
    from rich.markup import escape

    days = [f"{at:%Y-%m-%d}" if at else "" for at in (key.created_at, key.expires_at, key.last_used_at)]
    expired = key.expires_at is not None and key.expires_at <= now
    state = "[red]revoked[/]" if key.revoked_at else "[red]expired[/]" if expired else ""
    rate = "" if key.rate_limit is None else str(key.rate_limit)
    return key.key_id, state, "\n".join(key.scopes), escape(key.name), rate, *days


def _check(name: str, scopes: Sequence[str], rate_limit: int | None) -> None:
    if not 0 < len(name) <= MAX_KEY_NAME or not name.isprintable():
        raise InvalidInput("The name cannot be taken.", f"Give 1 to {MAX_KEY_NAME} characters.")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise InvalidInput(f"{unknown[0]} is no scope.", f"Scopes: {', '.join(SCOPES)}.")
    if rate_limit is not None and rate_limit > MAX_RATE:
        raise InvalidInput("The rate limit is too high.", f"At most {MAX_RATE}; 0 is no limit.")


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,8})([dhm])", text.strip())
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if span is None or span > _LONGEST:
        raise InvalidInput(f"{text} is no span of time.", "Write 90d, 12h or 30m, up to a hundred years.")
    return span
