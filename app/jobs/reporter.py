"""Between the thread that works and the event loop that writes down how far it is."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from app.domain.errors import Cancelled

LOG_LINES = 100


class Reporter:
    """The `Progress` of one job. Called from any thread; the event loop reads `told` and may `stop` the work."""

    def __init__(self, log: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._share, self._stage = 0.0, ""
        self._log = deque(log, LOG_LINES)

    def __call__(self, share: float, stage: str) -> None:
        if self._stopped.is_set():
            raise Cancelled("The job was told to stop.", "Start it again when it is wanted.")
        with self._lock:
            if stage != self._stage:
                self.note(stage)
            self._share, self._stage = min(max(share, 0.0), 1.0), stage

    def note(self, line: str) -> None:
        """A line of the log that is no stage."""
        self._log.append(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}")

    def stop(self) -> None:
        """From now on every call raises `Cancelled`."""
        self._stopped.set()

    def told(self) -> tuple[float, str, list[str]]:
        """(share, stage, log) as of now."""
        with self._lock:
            return self._share, self._stage, list(self._log)
