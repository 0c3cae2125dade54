"""What templates say: times, shares and verdicts as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

_STEPS = ((60, "s", 1), (3_600, "min", 60), (86_400, "h", 3_600), (86_400 * 60, "d", 86_400))
HORIZONS = {"long": "lasting", "short": "just now", "both": "lasting, now too"}
TRENDS = {"rising": "↗", "steady": "→", "falling": "↘"}
STAGES = {
    "new": "new: under 5 interactions",
    "warming": "warming up: under 30 interactions",
    "established": "established: 30 interactions or more",
}
FALLBACKS = {
    "user_unknown": "Nothing is known of this user, so this is what is popular and new.",
    "no_history": "Nothing this user did tells of taste yet, so this is what is popular and new.",
    "consent_off": "This user does not consent to a profile, so this is what is popular and new.",
    "few_candidates": "Too little fits; the last items come from the rest of the catalogue.",
    "database_unavailable": "The database is away, so this is what is popular and new.",
}


def quoted(id_: str) -> str:
    """As a part of an address."""
    return quote(id_, safe="")


def path_to(kind: str, id_: str) -> str:
    """The address of a user's or an item's page."""
    return f"/console{api_path(kind, id_)}"


def api_path(kind: str, id_: str) -> str:
    return f"/{kind}/{quoted(id_)}"


def day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def ago(at: datetime, now: datetime) -> str:
    """`5 min ago`, `in 2 h`; from two months on the date itself."""
    seconds = (now - at).total_seconds()
    for limit, unit, size in _STEPS:
        if abs(seconds) < limit:
            told = f"{abs(seconds) / size:.0f} {unit}"
            return "just now" if abs(seconds) < 5 else f"{told} ago" if seconds > 0 else f"in {told}"
    return day(at)


def lasted(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else "under 1 %"


def chance(share: float) -> str:
    """As a share with one figure behind the point, however small: `12 %`, `0.4 %`, `< 0.1 %`."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"


def signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def widths(values: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Of bars that begin in the middle of a field of width 100: where each starts and how wide it is."""
    most = max((abs(value) for value in values.values()), default=0.0) or 1.0
    wide = {name: 50 * abs(value) / most for name, value in values.items()}
    return {name: (50.0 if values[name] >= 0 else 50.0 - width, width) for name, width in wide.items()}


def figures_by_policy(verdict: Mapping[str, Any]) -> dict[str, list[tuple[str, float]]]:
    """`new, champion: .31` -> under `new` the contenders with their figures, the best first."""
    tables: dict[str, list[tuple[str, float]]] = {}
    for name, value in (verdict.get("figures") or {}).items():
        policy, _, contender = name.partition(", ")
        tables.setdefault(policy, []).append((contender or policy, float(value)))
    return {policy: sorted(rows, key=lambda row: -row[1]) for policy, rows in tables.items()}
