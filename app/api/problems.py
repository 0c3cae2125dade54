"""A failure as RFC 9457 writes it: what happened and what to do, never what was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from secrets import token_hex
from uuid import UUID

import msgspec
from starlette.responses import Response
from starlette.types import Scope

from app.api.error_table import MEANINGS
from app.domain.errors import Fault, PortraitError
from app.telemetry.metrics import count_problem

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "portrait.request_id"
CODE = "portrait.problem"
RETRY_AFTER_S = 2
_INDEX = re.compile("[0-9]{1,5}")  # a field may be named `²`, which is a digit and no number


def request_id_of(scope: Scope) -> str:
    """The id of this request, made at its first use."""
    name: str = scope.get(REQUEST_ID) or scope.setdefault(REQUEST_ID, token_hex(16))
    return name


def problem(scope: Scope, status: int, error: PortraitError, headers: Mapping[str, str] | None = None) -> Response:
    request_id = request_id_of(scope)
    scope[CODE] = error.code
    count_problem(error.code)
    meaning = MEANINGS.get(error.code)
    body = {
        "type": f"/errors/{error.code}",
        "title": meaning.title if meaning else type(error).title,
        "status": status,
        "detail": error.detail,
        "instance": UUID(request_id).urn,
        "code": error.code,
        "hint": error.hint or (meaning.cure if meaning else ""),
        "request_id": request_id,
        "errors": [listed(fault) for fault in error.faults],
    }
    retry = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
    return Response(msgspec.json.encode(body), status, {**retry, **(headers or {})}, MEDIA_TYPE)


def listed(fault: Fault) -> dict[str, object]:
    """A fault as it stands in `errors`; one of a bulk request begins its pointer with the index of the entry."""
    told: dict[str, object] = {"code": fault.code, "pointer": fault.pointer, "detail": fault.detail, "hint": fault.hint}
    first = fault.pointer[1:].partition("/")[0]
    return {"index": int(first), **told} if fault.pointer[:1] == "/" and _INDEX.fullmatch(first) else told
