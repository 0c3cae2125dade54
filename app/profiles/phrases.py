"""Small pieces of English."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from app.profiles.decay import DAY_S


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([*filter(None, [", ".join(words[:-1])]), *words[-1:]])


def counted(n: int, noun: str) -> str:
    """`1 day`, `1,200 days`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def amount(n_all: int, n: int, noun: str) -> str:
    """`12 purchases` where all are, else `20 behaviours, 12 of them purchases`."""
    if n == n_all:
        return counted(n, noun)
    return f"{counted(n_all, 'behaviour')}, " + (f"one of them a {noun}" if n == 1 else f"{n:,} of them {noun}s")


def times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n) or f"{n:,} times"


def percent(share: float) -> str:
    return f"{max(1, round(100 * share))} %"


def every(days: float) -> str:
    """How often, as people say it."""
    if days < 1.5:
        return "nearly every day"
    if days < 11:
        return "about every week" if 6.3 <= days < 8 else f"about every {round(days)} days"
    weeks = round(days / 7)
    return f"about every {weeks} weeks" if weeks < 8 else f"about every {round(days / 30.4)} months"


def since_when(at: float, now: float) -> str:
    """`since yesterday`, `since Friday`, `since last week`; both in seconds since 1970."""
    days = int(now // DAY_S - at // DAY_S)
    if days < 7:
        return {0: "since today", 1: "since yesterday"}.get(days, f"since {datetime.fromtimestamp(at, UTC):%A}")
    return "since last week" if days < 14 else f"since {day_of(at) if days < 60 else month_of(at)}"


def quoted(text: str, n: int = 60) -> str:
    """What somebody wrote, on one line and no longer than `n` characters."""
    line = " ".join(text[: 4 * n].split())
    return f"“{line if len(line) <= n else line[: n - 1].rstrip() + '…'}”"


def day_of(at: float) -> str:
    when = datetime.fromtimestamp(at, UTC)
    return f"{when.day} {when:%B %Y}"


def month_of(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%B %Y}"
