"""Traces, sent by OTLP over HTTP. Where to, and how many, is told by OpenTelemetry's own variables (`OTEL_...`).

FastAPI and its libraries write addresses, headers and messages of exceptions into spans, and those hold ids of users,
texts and keys. What leaves is therefore made anew of what is known to be harmless; everything else stays here.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, Status

from app.telemetry.spans import REQUEST_ID

DRAIN_S = 3.0  # traces are no truth: what a silent collector has not taken by then is lost
# Words of ours and of the protocol, whoever asks. `http.route` is the template, with names instead of ids.
KEPT = frozenset(
    {
        "code.function.name",
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        REQUEST_ID,
    }
)


class Traces:
    """Begins to send when it is made, in a thread of its own."""

    def __init__(self) -> None:
        told = {SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", "portrait"), SERVICE_VERSION: version("portrait")}
        self.provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(BareSpans(OTLPSpanExporter())))
        self.tracer = self.provider.get_tracer("portrait", version("portrait"))

    async def close(self) -> None:
        """Sends what waits, for `DRAIN_S` at most."""
        closing = threading.Thread(target=self.provider.shutdown, name="close-traces", daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, DRAIN_S)


class BareSpans(SpanExporter):
    """Hands on what is left of the spans."""

    def __init__(self, behind: SpanExporter) -> None:
        self._behind = behind

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._behind.export([bare(span) for span in spans])

    def shutdown(self) -> None:
        self._behind.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._behind.force_flush(timeout_millis)


def bare(span: ReadableSpan) -> ReadableSpan:
    """Without events, links, messages, what came along in `tracestate`, and attributes that are not in `KEPT`."""
    return ReadableSpan(
        name=span.name,
        context=_bare_context(span.get_span_context()),
        parent=_bare_context(span.parent),
        resource=span.resource,
        attributes={name: value for name, value in (span.attributes or {}).items() if name in KEPT},
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _bare_context(context: SpanContext | None) -> SpanContext | None:
    if context is None:
        return None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
