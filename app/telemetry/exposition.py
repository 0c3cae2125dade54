"""The metrics as text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.domain.job import JobStatus
from app.telemetry.metrics import REGISTRY
from app.telemetry.shared import VARIABLE

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class _Database(Collector):
    """What is asked of the database for this one answer; None while it is away."""

    def __init__(self, n_jobs: Mapping[JobStatus, int] | None) -> None:
        self._n_jobs = n_jobs

    def collect(self) -> Iterable[GaugeMetricFamily]:
        up = GaugeMetricFamily("portrait_database_up", "1 while the database answers.")
        up.add_metric((), float(self._n_jobs is not None))
        jobs = GaugeMetricFamily("portrait_jobs", "Jobs of the last 90 days.", labels=("status",))
        for status, n in (self._n_jobs or {}).items():
            jobs.add_metric((status,), n)
        return up, jobs


def exposition(n_jobs: Mapping[JobStatus, int] | None) -> bytes:
    """Of all processes that share a folder, else of this one. Reads files: not for the event loop."""
    asked = CollectorRegistry()
    asked.register(_Database(n_jobs))
    counted = REGISTRY
    if VARIABLE in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return bytes(generate_latest(counted)) + bytes(generate_latest(asked))
