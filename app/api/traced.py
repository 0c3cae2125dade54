"""The id of a request that is traced: it leads from a line of the log to its trace. Put up only where traces are on."""

from __future__ import annotations

from opentelemetry.trace import Tracer
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


def is_probe(scope: Scope) -> bool:
    """Whether nobody wants to see it: health is asked for every second."""
    return scope["type"] == "http" and scope["path"].startswith("/health/")
