"""The answer to a bulk request: 200 when all of it was taken, 207 when some was, 422 when none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from app.api.answers import answer
from app.api.errors import invalid
from app.api.json_reader import Entries
from app.api.problems import listed
from app.domain.errors import Fault


def receipt(entries: Entries, rejected: Iterable[Fault], counts: dict[str, Any], n_taken: int) -> Response:
    """`rejected` are faults of the readable entries, with pointers that begin with their place among those."""
    unread = (fault for _, fault in entries.faults)
    faults = sorted([*unread, *(moved(fault, entries) for fault in rejected)], key=_place)
    if faults and not n_taken:
        raise invalid(tuple(faults))
    n_rejected = len({_place(fault) for fault in faults})
    body = {**counts, "rejected": n_rejected, "errors": [listed(fault) for fault in faults]}
    return answer(body, 207 if faults else 200)


def moved(fault: Fault, entries: Entries) -> Fault:
    """From its place among the readable entries to its place in the body; a fault of all stays."""
    if not fault.pointer:
        return fault
    place, slash, rest = fault.pointer[1:].partition("/")
    return Fault(fault.code, f"/{entries.places[int(place)]}{slash}{rest}", fault.detail, fault.hint)


def _place(fault: Fault) -> int:
    return int(fault.pointer[1:].partition("/")[0])
