"""What a request that is traced tells of itself; without a trace it costs the look at one variable.

Needs OpenTelemetry's interface only, which comes with FastAPI.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar

from opentelemetry.trace import Tracer, get_current_span

REQUEST_ID = "portrait.request_id"

_NO_SPAN = nullcontext()
_tracer: ContextVar[Tracer | None] = ContextVar("portrait.tracer", default=None)


def begin_request(tracer: Tracer, request_id: str) -> None:
    """Names the current span, and has the stages of this task be spans in it."""
    _tracer.set(tracer)
    get_current_span().set_attribute(REQUEST_ID, request_id)


def stage_span(name: str) -> AbstractContextManager[object]:
    """`name` is one of ours, never from outside. Messages of exceptions stay out: they quote values."""
    tracer = _tracer.get()
    if tracer is None:
        return _NO_SPAN
    return tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)
