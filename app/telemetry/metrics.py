"""Every metric there is. With PROMETHEUS_MULTIPROC_DIR set before the first import, processes share files in it.

Gauges have the label `process` (`server` or `jobs`): a process that never sets one does not report it as 0.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()

_METHODS = frozenset({"GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"})
# Recommendations take 5 to 20 ms on an idle machine, profiles 2, bulk requests up to a second.
_BUCKETS_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_requests = Counter("portrait_requests", "Answered requests.", ("method", "route", "status"), registry=REGISTRY)
_latencies = Histogram(
    "portrait_request_seconds",
    "Time to the end of the answer.",
    ("method", "route"),
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)
_problems = Counter(
    "portrait_problems", "Requests that failed, by the code of the problem.", ("code",), registry=REGISTRY
)
_behaviors = Counter("portrait_behaviors", "Behaviours sent, by what became of them.", ("outcome",), registry=REGISTRY)
_recommendations = Counter(
    "portrait_recommendations", "Slates given.", ("fallback_reason", "degraded"), registry=REGISTRY
)


def _gauge(name: str, text: str, mode: str, *labels: str) -> Gauge:
    return Gauge(name, text, ("process", *labels), multiprocess_mode=mode, registry=REGISTRY)  # type: ignore[arg-type]


PROCESSES = _gauge("portrait_processes", "Processes that run.", "livesum")
MEMORY = _gauge("portrait_process_memory_bytes", "Resident memory of the processes together.", "livesum")
LAG = _gauge("portrait_event_loop_lag_seconds", "How late the event loop was last, at worst.", "livemax")
IN_FLIGHT = _gauge("portrait_requests_in_flight", "Requests that are being answered.", "livesum")
CHECKPOINTS = _gauge("portrait_checkpoints_waiting", "Checkpoints of profiles that wait to be saved.", "livesum")
TEXTS = _gauge("portrait_texts_waiting", "Texts that wait for the encoder.", "livesum")
ITEMS = _gauge("portrait_items", "Items that can be recommended; of the process that has fewest.", "livemin")
FOLLOWED = _gauge(
    "portrait_world_followed_timestamp_seconds",
    "When items and models were last found to be up to date; of the process that is furthest behind.",
    "livemin",
)
VERSION = _gauge("portrait_model_version", "Version that serves; of the process furthest behind.", "livemin", "kind")


def count_request(method: str, route: str | None, status: int, took_s: float) -> None:
    """`route` as the documentation writes it; None where no call has the path."""
    counter, histogram = _request_series(method if route and method in _METHODS else "other", route or "none", status)
    counter.inc()
    histogram.observe(took_s)


def count_problem(code: str) -> None:
    _problems.labels(code).inc()


def count_behaviors(accepted: int, duplicates: int, rejected: int) -> None:
    for outcome, n in (("accepted", accepted), ("duplicate", duplicates), ("rejected", rejected)):
        _behaviors.labels(outcome).inc(n)


def count_recommendation(fallback_reason: str | None, degraded: bool) -> None:
    _recommendations.labels(fallback_reason or "none", str(degraded).lower()).inc()


@cache
def _request_series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(method, route, str(status)), _latencies.labels(method, route)
