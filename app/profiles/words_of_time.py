"""How long a statement holds: `for two weeks`, `until Christmas`, `this weekend`, `一周内`.

A month counts 30 days and a year 365. `until` a day is up to the midnight that begins it, in the zone of `now`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.profiles.days_of_year import (
    FEASTS,
    MONTH_ENDS,
    MONTHS,
    WEEKDAYS,
    day_after,
    feast_after,
    midnight,
    monday,
    month_after,
)

# Longer than this is for good.
FOREVER_DAYS = 3_653
_UNITS = {"hour": 1 / 24, "day": 1, "night": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}
_UNITS_CHINESE = {"小时": 1 / 24, "天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7, "月": 30, "年": 365}
_COUNT = "one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: n for n, word in enumerate(_COUNT.split(), 1)}
_NUMBERS |= {"a": 1, "an": 1, "a single": 1, "a couple of": 2, "a few": 3, "several": 3}
_NUMBERS_CHINESE = {word: n for n, word in enumerate("一二三四五六七八九十", 1)} | {"两": 2, "几": 3, "半": 0.5}


@dataclass(frozen=True, slots=True)
class Span:
    """Words of time and their place in the text. `until` is None for good."""

    start: int
    end: int
    text: str
    until: datetime | None


def spans_of(text: str, now: datetime) -> list[Span]:
    """All words of time that say how long, in order, none inside another; those that name no real day are left out."""
    found: list[Span] = []
    for span in sorted(_all(text, now), key=lambda span: (span.start, -span.end)):
        if not found or span.start >= found[-1].end:
            found.append(span)
    return found


def _all(text: str, now: datetime) -> Iterator[Span]:
    for pattern, until in _PATTERNS:
        for match in pattern.finditer(text):
            try:
                yield Span(match.start(), match.end(), match.group().strip(), _bounded(until(match, now), now))
            except (ValueError, OverflowError):  # 31 February, year 0
                continue


def _bounded(until: datetime | None, now: datetime) -> datetime | None:
    return None if until is None or until - now > timedelta(days=FOREVER_DAYS) else until


def _for(match: re.Match[str], now: datetime) -> datetime:
    word = " ".join((match["n"] or "a").lower().split())
    return _later(now, _NUMBERS.get(word) or int(word), _UNITS[match["unit"].lower()])


def _for_chinese(match: re.Match[str], now: datetime) -> datetime:
    word = match["n"]
    return _later(now, _NUMBERS_CHINESE.get(word) or int(word), _UNITS_CHINESE[match["unit"]])


def _later(now: datetime, n: float, unit_days: float) -> datetime:
    return now + timedelta(days=min(n * unit_days, FOREVER_DAYS + 1))


def _date(match: re.Match[str], now: datetime) -> datetime:
    return midnight(now).replace(year=int(match["y"]), month=int(match["m"]), day=int(match["d"]))


def _day_of_month(match: re.Match[str], now: datetime) -> datetime:
    month = MONTHS[match["month"].lower()[:3]]
    year = int(match["y"]) if match["y"] else None
    return day_after(now, month, int(match["d"] or 1), year)


def _feast(match: re.Match[str], now: datetime) -> datetime:
    name = re.sub(r"['’]s|['’\s]", "", match["feast"].lower())
    return feast_after(now, FEASTS[name.replace("years", "year")])


def _weekday(match: re.Match[str], now: datetime) -> datetime:
    ahead = (WEEKDAYS.index(match["weekday"].lower()[:3]) - now.weekday() - 1) % 7 + 1
    return midnight(now) + timedelta(days=ahead)


def _weekday_chinese(match: re.Match[str], now: datetime) -> datetime:
    ahead = ("一二三四五六日天".index(match["weekday"]) % 7 - now.weekday() - 1) % 7 + 1
    return midnight(now) + timedelta(days=ahead)


def _end_of(match: re.Match[str], now: datetime) -> datetime:
    """The end of this day, week, month or year; that of the next one where `next` is said of an end."""
    unit = match["unit"].lower()
    at = _end(unit, now)
    return _end(unit, at) if (match.groupdict().get("next") or "").lower() == "next" else at


def _end(unit: str, now: datetime) -> datetime:
    ends: dict[str, Callable[[datetime], datetime]] = {
        "week": monday,
        "周": monday,
        "month": month_after,
        "月": month_after,
        "year": lambda at: day_after(at, 1, 1),
        "年": lambda at: day_after(at, 1, 1),
    }
    at = ends.get(unit)
    if at is not None:
        return at(now)
    return monday(now) if "week" in unit or "末" in unit else midnight(now) + timedelta(days=1)


def _weekend(_: re.Match[str], now: datetime) -> datetime:
    return midnight(now) + timedelta(days=(4 - now.weekday()) % 7 + 1)


def _for_good(_: re.Match[str], __: datetime) -> None:
    return None


_ANY_OF = "|".join
_N = rf"(?P<n>\d{{1,6}}|{_ANY_OF(sorted(_NUMBERS, key=len, reverse=True))})".replace(" ", r"\s+")
_MONTH = rf"(?P<month>{_ANY_OF(f'{name}(?:{rest})?' for name, rest in MONTH_ENDS.items())})\b\.?"
_WEEKDAY = r"(?P<weekday>(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
_FEAST = (
    r"(?P<feast>christmas\s+eve|christmas|xmas|new\s+year['’]?s\s+eve|new\s+year"
    r"|halloween|valentine|easter|thanksgiving)"
)
_UNTIL = r"\b(?:up\s+)?(?:un)?till?\s+(?:the\s+)?"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<y>\d{4}))?\b"
_ISO = r"(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?"
_TILL = r"(?:之前|以前|为止|前)"
_UNIT = _ANY_OF(_UNITS)
_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], datetime | None]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.ASCII), until)
    for pattern, until in (
        (rf"\bfor\s+(?:about\s+|only\s+|just\s+)?{_N}\s+(?P<unit>{_UNIT})s?\b(?!-|\s+old)", _for),
        (rf"\b(?:for\s+)?the\s+(?:next|coming|following)\s+(?:{_N}\s+)?(?P<unit>{_UNIT})s?\b", _for),
        (rf"{_UNTIL}{_ISO}(?!\d)", _date),
        (rf"{_UNTIL}{_MONTH}(?:\s+{_DAY}\b)?{_YEAR}", _day_of_month),
        (rf"{_UNTIL}{_DAY}\s+(?:of\s+)?{_MONTH}{_YEAR}", _day_of_month),
        (rf"{_UNTIL}{_FEAST}(?:['’]?s)?(?:\s+day)?\b", _feast),
        (rf"{_UNTIL}(?:next\s+)?{_WEEKDAY}\b", _weekday),
        (rf"{_UNTIL}end\s+of\s+(?:the\s+|this\s+|(?P<next>next)\s+)?(?P<unit>week(?:end)?|month|year|day)\b", _end_of),
        (rf"{_UNTIL}next\s+(?P<unit>week|month|year)\b", _end_of),
        (rf"{_UNTIL}(?P<unit>tomorrow)\b", _end_of),
        (rf"{_UNTIL}weekend\b", _weekend),
        (r"\b(?:for\s+|only\s+)?the\s+rest\s+of\s+(?:the\s+|this\s+)?(?P<unit>week|month|year|day)\b", _end_of),
        (r"(?<!of )\b(?:for\s+|only\s+)?this\s+(?P<unit>week(?:end)?|month|year|evening)\b", _end_of),
        (r"\bfor\s+the\s+(?P<unit>week(?:end)?|month|year|day)\b", _end_of),
        (r"\b(?:for\s+|only\s+)?(?P<unit>today|tonight)\b", _end_of),
        (r"\b(?:for\s*ever(?:\s+more)?|for\s+good|permanently|from\s+now\s+on|for\s+now)\b", _for_good),
        (
            rf"(?:接下来|未来|在)?(?P<n>\d{{1,6}}|[{''.join(_NUMBERS_CHINESE)}])个?(?P<unit>{_ANY_OF(_UNITS_CHINESE)})"
            r"(?!级|份|\d)(?:之内|以内|内|里)?",
            _for_chinese,
        ),
        (rf"(?:直到|等到|到){_ISO}{_TILL}?", _date),
        (rf"{_ISO}{_TILL}", _date),
        (rf"(?:直到|等到|到)(?P<feast>圣诞节?|元旦|新年|情人节|万圣节|复活节){_TILL}?", _feast),
        (rf"(?P<feast>圣诞节?|元旦|新年|情人节|万圣节|复活节){_TILL}", _feast),
        (rf"(?:直到|等到|到)(?:下?周|星期)(?P<weekday>[一二三四五六日天]){_TILL}?", _weekday_chinese),
        (r"(?:直到|到)?(?:这个?|本)(?P<unit>周末|周|月|年)(?:之?内|里|底)?", _end_of),
        (r"(?P<unit>今天|今晚)", _end_of),
        (r"永远|从现在起|以后", _for_good),
    )
)
