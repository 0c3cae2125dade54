"""Whether a profile can be folded from a stored row. Ingest lets nothing else in; a restore or a hand may."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite

UNSOUND = "unsound"  # the flag of a row in quarantine
TIME, VALUE, VECTOR = "time_out_of_range", "value_not_finite", "vector_unreadable"

# Seconds since 1970 of what Python can tell as a time in any zone.
_FIRST_AT = datetime(1, 1, 2, tzinfo=UTC).timestamp()
_LAST_AT = datetime(9999, 12, 30, tzinfo=UTC).timestamp()
_FLOAT16_BYTES = 2


def why_unsound(at: float, value: float | None, embedding: bytes | None) -> str | None:
    """The reason, None for a sound row. `at` in seconds since 1970, `embedding` the raw float16 vector of its text."""
    if not _FIRST_AT <= at <= _LAST_AT:  # NaN and infinity too
        return TIME
    if value is not None and not isfinite(value):
        return VALUE
    if embedding is not None and (not embedding or len(embedding) % _FLOAT16_BYTES):
        return VECTOR
    return None
