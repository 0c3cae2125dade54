"""How a column writes its times, found from its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any

Reader = Callable[[Any], datetime]

# Unix seconds and milliseconds from 1990 to 2100: smaller numbers are counts or ids.
_SECONDS = (631_152_000, 4_102_444_800)
_FORMATS = (
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d-%b-%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
)


def time_reader(values: Sequence[Any], zone: tzinfo = UTC) -> Reader | None:
    """What turns such values into aware UTC times, None when they are no times; `zone` holds where they name none.

    A format must read every value, so 13/01/2020 anywhere in the sample decides between day and month first.
    """
    readers = [_iso(zone), _epoch(1), _epoch(1_000), *(_written(form, zone) for form in _FORMATS)]
    return next((read for read in readers if values and all(_reads(read, value) for value in values)), None)


def _reads(read: Reader, value: Any) -> bool:
    try:
        read(value)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def _iso(zone: tzinfo) -> Reader:
    def read(value: Any) -> datetime:
        if type(value) is datetime and zone is UTC and value.tzinfo is None:
            return value.replace(tzinfo=UTC)  # most of a Parquet file: the short way
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 -- the zone follows
        elif isinstance(value, str):
            if value.isdecimal():  # 20200101 may as well be an id
                raise ValueError
            value = datetime.fromisoformat(value)
        if not isinstance(value, datetime):
            raise TypeError
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)

    return read


def _epoch(divisor: int) -> Reader:
    first, last = (bound * divisor for bound in _SECONDS)

    def read(value: Any) -> datetime:
        seconds = float(value)
        if not first <= seconds <= last:
            raise ValueError
        return datetime.fromtimestamp(seconds / divisor, UTC)

    return read


def _written(form: str, zone: tzinfo) -> Reader:
    def read(value: Any) -> datetime:
        return datetime.strptime(value, form).replace(tzinfo=zone).astimezone(UTC)

    return read
