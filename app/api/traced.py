"""The id of a request that is traced: it leads from a line of the log to its trace. Put up only where traces are on."""

from __future__ import annotations

from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import Tracer, TracerProvider
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import request_id_of
from app.telemetry.spans import begin_request


class Traced:
    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app = app
        self.tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            begin_request(self.tracer, request_id_of(scope))
        await self.app(scope, receive, send)


def telemetry_by(provider: TracerProvider | None) -> TelemetryConfig:
    """What FastAPI is to tell; nothing without one. Health is asked for every second: nobody wants to see that."""
    return {
        "tracing": provider is not None,
        "tracer_provider": provider,
        "metrics": False,
        "logs": False,
        "auto_configure": False,  # it would send spans that have not been made bare
        "exclude": lambda scope: str(scope.get("path", "")).startswith("/health/"),
    }
