"""Traces, as a collector receives them: what took how long, and nothing about anybody."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import httpx2
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic import SecretStr

from app.services.rank import STAGES
from app.telemetry.traces import KEPT

from .test_canaries import CANARIES, send_all
from .wire import ADMIN_KEY, Service, start_service

# What FastAPI's own spans would tell, besides what `test_canaries` plants: each is looked for in the raw bytes.
MORE = {part: f"qz8{part}canary" for part in ("query", "host", "state", "baggage", "agent", "key", "header", "path")}
PLANTED = {**CANARIES, **MORE, "admin key": ADMIN_KEY}
IN_RAW_SPANS = ["user", "item", "text", "query", "host", "state", "path", "key"]


class Collector(ThreadingHTTPServer):
    """Takes what is sent by OTLP over HTTP, whatever the path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: dict[str, list[bytes]] = {}
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self, path: str = "/v1/traces") -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.taken.get(path, ())]
        return [
            span
            for one in requests
            for resource in one.resource_spans
            for of in resource.scope_spans
            for span in of.spans
        ]


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.setdefault(self.path, []).append(body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Not into the test's output."""


class Traced(NamedTuple):
    collector: Collector
    by_route: dict[str, list[Span]]
    answer: httpx2.Response


@pytest.fixture(scope="module")
def traced(locked_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """All that was sent after a day of good and bad requests; to `/raw` as FastAPI's spans are, to compare."""
    collector = Collector()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        folder = tmp_path_factory.mktemp("traced")
        service = start_service(locked_database_url, folder, api_keys=(SecretStr(ADMIN_KEY),), traces=True)
    provider = service.app.state.traces.provider
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{collector.address}/raw")))
    try:
        answer = _a_day(service)
    finally:
        service.stop()  # what waits is sent at the end
    by_route: dict[str, list[Span]] = {}
    for span in collector.spans():
        by_route.setdefault(span.name, []).append(span)
    yield Traced(collector, by_route, answer)
    collector.shutdown()


def _a_day(service: Service) -> httpx2.Response:
    headers = {
        "x-api-key": ADMIN_KEY,
        "host": MORE["host"],
        "user-agent": MORE["agent"],
        "x-anything": MORE["header"],
        "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01",
        "tracestate": f"of={MORE['state']}",
        "baggage": f"user={MORE['baggage']}",
    }
    with httpx2.Client(base_url=service.base_url, timeout=30, headers=headers) as client:
        send_all(client, service)
        client.get("/users", params={"api_key": MORE["key"], MORE["query"]: MORE["query"]})
        client.get(f"/nowhere/{MORE['path']}")
        client.get("/users", headers={"x-api-key": MORE["key"]})
        client.get("/health/live")
        return client.get("/users/somebody/recommendations")


@pytest.mark.parametrize("part", PLANTED)
def test_nobody_and_nothing_that_was_sent_is_in_a_trace(traced: Traced, part: str) -> None:
    sent = b"".join(traced.collector.taken["/v1/traces"])
    assert len(traced.collector.spans()) > 20
    assert PLANTED[part].encode() not in sent


@pytest.mark.parametrize("part", IN_RAW_SPANS)
def test_it_would_be_there_if_it_were_not_taken_out(traced: Traced, part: str) -> None:
    assert PLANTED[part].encode() in b"".join(traced.collector.taken["/raw"])


def test_only_what_is_known_to_be_harmless_is_sent(traced: Traced) -> None:
    for span in traced.collector.spans():
        assert {one.key for one in span.attributes} <= KEPT
        assert not span.events
        assert not span.links
        assert not span.trace_state
        assert not span.status.message


def test_a_request_is_found_by_its_template_and_its_id(traced: Traced) -> None:
    spans = traced.by_route["GET /users/{user_id}/recommendations"]
    request_id = traced.answer.headers["x-request-id"]
    (found,) = [span for span in spans if _attribute(span, "portrait.request_id") == request_id]
    assert _attribute(found, "http.route") == "/users/{user_id}/recommendations"
    assert _attribute(found, "http.response.status_code") == 200
    assert found.trace_id == bytes.fromhex("ab" * 16)  # whoever calls has begun the trace
    assert found.parent_span_id == bytes.fromhex("cd" * 8)


def test_stages_of_a_recommendation_are_spans_within_it(traced: Traced) -> None:
    request_id = traced.answer.headers["x-request-id"]
    spans = {span.span_id: span for span in traced.collector.spans()}
    root = next(span for span in spans.values() if _attribute(span, "portrait.request_id") == request_id)
    within = [span for span in spans.values() if root in _above(span, spans)]
    stages = {span.name: span for span in within if span.name in {"profile", *(name for name, _ in STAGES)}}
    assert sorted(stages, key=lambda name: stages[name].start_time_unix_nano) == [
        "profile",
        *(name for name, _ in STAGES),
    ]
    told = dict(part.split(";dur=") for part in traced.answer.headers["server-timing"].split(", "))
    for name, span in stages.items():
        took_ms = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
        assert took_ms <= float(told[name]) + 1


def test_a_defect_is_marked(traced: Traced) -> None:
    (failed,) = [
        span for span in traced.by_route["PUT /items/{item_id}"] if span.status.code == Status.STATUS_CODE_ERROR
    ]
    assert _attribute(failed, "http.response.status_code") == 500
    within = {_attribute(span, "error.type") for span in traced.by_route["fastapi.endpoint"]}
    assert "TypeError" in within
    assert failed.trace_id in {span.trace_id for span in traced.by_route["fastapi.endpoint"]}


def test_health_is_not_traced(traced: Traced) -> None:
    assert not [name for name in traced.by_route if "/health/" in name]


def test_a_silent_collector_holds_up_neither_answers_nor_the_end(
    locked_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # connections wait, nobody answers
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.server_port}")
        service = start_service(locked_database_url, tmp_path, api_keys=(SecretStr(ADMIN_KEY),), traces=True)
        try:
            answer = httpx2.get(f"{service.base_url}/users", headers={"x-api-key": ADMIN_KEY})
            assert answer.status_code == 200
        finally:
            began = time.monotonic()
            service.stop()
        assert time.monotonic() - began < 10


def test_off_means_off(client: httpx2.Client, service: Service) -> None:
    assert not hasattr(service.app.state, "traces")
    assert "Traced" not in [middleware.cls.__name__ for middleware in service.app.user_middleware]
    assert service.app._telemetry["tracing"] is False


@pytest.mark.parametrize(
    ("settings", "package", "extra"),
    [
        ({"traces": True}, "opentelemetry.sdk", "portrait[traces]"),
        ({"oidc_issuer": "https://issuer.example", "oidc_audience": "shop"}, "jwt", "portrait[oidc]"),
    ],
)
def test_without_the_packages_it_says_what_to_install(settings: dict[str, object], package: str, extra: str) -> None:
    script = f"""
import sys
sys.modules["{package}"] = None  # as if it were not installed
from app.domain.errors import Misconfigured
from app.main import create_app
from app.settings import Settings
create_app(Settings(_env_file=None))
try:
    create_app(Settings(_env_file=None, **{settings}))
except Misconfigured as error:
    print(error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert extra in done.stdout


def _attribute(span: Span, name: str) -> object:
    value = next((one.value for one in span.attributes if one.key == name), None)
    return None if value is None else getattr(value, str(value.WhichOneof("value")))


def _above(span: Span, spans: dict[bytes, Span]) -> Iterator[Span]:
    while span.parent_span_id in spans:
        span = spans[span.parent_span_id]
        yield span
