"""The processes under test, started as a user starts them and looked at only from outside."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.client import Address, Connection

PORTRAIT = Path(sys.executable).with_name("portrait")
START_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes of one worker: `rss` counts shared pages whole, `pss` by the sharers, `uss` not at all."""

    rss: float
    pss: float
    uss: float


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. `ready_s` is the time from the start of its process to its first good answer."""

    address: Address
    ready_s: float
    process: psutil.Process

    def worker_of(self, connection: Connection) -> int:
        """Process id of the worker that accepted a connection of ours."""
        for process in self._processes():
            for accepted in process.net_connections("tcp"):
                if accepted.raddr and accepted.raddr.port == connection.local_port:
                    return int(process.pid)
        raise LookupError("no process of the server holds this connection")

    def settle(self, at_most_s: float = 60.0) -> bool:
        """Waits until what runs after a start (the encoder, the jobs' first look) is done; false when it is not."""
        until = time.monotonic() + at_most_s
        while time.monotonic() < until:
            before = self.cpu_seconds()
            time.sleep(2)
            if self.cpu_seconds() - before < 0.2:
                return True
        return False

    def cpu_seconds(self) -> float:
        """Processor time of all processes of the server so far, Postgres and jobs included."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes() if process.is_running())

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def rss_mb(self) -> float:
        """Of all processes of the server together, shared pages counted in each."""
        return sum(process.memory_info().rss for process in self._processes() if process.is_running()) / 1e6

    def memory_of(self, worker: int) -> Memory:
        info = psutil.Process(worker).memory_full_info()
        return Memory(*(n / 1e6 for n in (info.rss, info.pss, info.uss)))


@contextmanager
def portrait(data_dir: Path, n_workers: int) -> Iterator[Running]:
    """`portrait serve` on a data folder, until the block ends."""
    port = free_port()
    command = [str(PORTRAIT), "serve", "--port", str(port), "--workers", str(n_workers)]
    with _running(command, port, "/health/ready", data_dir / "serve.log", environment(data_dir)) as running:
        yield running


@contextmanager
def empty(n_workers: int) -> Iterator[Running]:
    """The FastAPI route that does nothing."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.empty_app:app", "--port", str(port)]
    command += ["--workers", str(n_workers), "--no-access-log", "--log-level", "warning"]
    with _running(command, port, "/empty", Path(os.devnull), dict(os.environ)) as running:
        yield running


def environment(data_dir: Path) -> dict[str, str]:
    """Ours, without settings of the person who runs the benchmark."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTRAIT_")}
    return {**kept, "PORTRAIT_DATA_DIR": str(data_dir)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, path: str, log: Path, env: dict[str, str]) -> Iterator[Running]:
    started = time.perf_counter()
    with log.open("ab") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, env=env, start_new_session=True)
    try:
        _wait_until_good(child, port, path, log)
        yield Running(Address("127.0.0.1", port), time.perf_counter() - started, psutil.Process(child.pid))
    finally:
        _stop(child)


def _wait_until_good(child: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with {child.returncode}; see {log}")
        if status_of(port, path) == 200:
            return
        time.sleep(0.02)
    raise RuntimeError(f"no good answer within {START_LIMIT_S:.0f} s; see {log}")


def status_of(port: int, path: str) -> int:
    """0 where nobody answers yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
