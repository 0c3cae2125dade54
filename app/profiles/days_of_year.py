"""Days that people name: the next one after a moment, as the midnight that begins it in the moment's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

_MONTHS = "jan-uary feb-ruary mar-ch apr-il may- jun-e jul-y aug-ust sep-t(?:ember)? oct-ober nov-ember dec-ember"
MONTH_ENDS = dict(name.split("-") for name in _MONTHS.split())
MONTHS = {name: number for number, name in enumerate(MONTH_ENDS, 1)}
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OfYear = Callable[[int], tuple[int, int]]


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def monday(at: datetime) -> datetime:
    """The end of the week."""
    return midnight(at) + timedelta(days=7 - at.weekday())


def month_after(at: datetime) -> datetime:
    return midnight(at).replace(year=at.year + at.month // 12, month=at.month % 12 + 1, day=1)


def day_after(at: datetime, month: int, day: int, year: int | None = None) -> datetime:
    """The next such day, or that of the `year`, which may lie behind. Raises ValueError where there is none."""
    if year is not None:
        return midnight(at).replace(year=year, month=month, day=day)
    return feast_after(at, lambda _: (month, day))


def feast_after(at: datetime, of_year: OfYear) -> datetime:
    for year in (at.year, at.year + 1):
        month, day = of_year(year)
        found = midnight(at).replace(year=year, month=month, day=day)
        if found > at:
            break
    return found


def easter(year: int) -> tuple[int, int]:
    """Month and day of Easter Sunday (the anonymous Gregorian computus, as printed in Nature, 1876)."""
    century, rest = divmod(year, 100)
    epact = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (year % 19 + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return month, day + 1


def thanksgiving(year: int) -> tuple[int, int]:
    """The fourth Thursday of November."""
    return 11, 22 + (3 - datetime(year, 11, 22).weekday()) % 7  # noqa: DTZ001 (only its weekday is read)


def _on(month: int, day: int) -> OfYear:
    return lambda _: (month, day)


FEASTS: dict[str, OfYear] = {
    "christmaseve": _on(12, 24),
    "christmas": _on(12, 25),
    "xmas": _on(12, 25),
    "newyeareve": _on(12, 31),
    "newyear": _on(1, 1),
    "halloween": _on(10, 31),
    "valentine": _on(2, 14),
    "easter": easter,
    "thanksgiving": thanksgiving,
    "圣诞节": _on(12, 25),
    "圣诞": _on(12, 25),
    "元旦": _on(1, 1),
    "新年": _on(1, 1),
    "情人节": _on(2, 14),
    "万圣节": _on(10, 31),
    "复活节": easter,
}
