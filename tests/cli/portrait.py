"""The command as a user starts it, in processes of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

COMMAND = [sys.executable, "-P", "-m", "app"]
START_LIMIT_S = 120.0


def environment(**settings: str | Path) -> dict[str, str]:
    """Ours, with these settings and none of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTRAIT_")}
    return kept | {f"PORTRAIT_{name.upper()}": str(value) for name, value in settings.items()}


def run(folder: Path, *words: str, typed: str = "", **settings: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env=environment(**settings),
        input=typed,
        capture_output=True,
        text=True,
        timeout=START_LIMIT_S,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(port: int, path: str, body: object = None) -> Any:
    """The parsed answer; None where nobody answers well."""
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", sent, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
    except (urllib.error.URLError, OSError):
        return None


def wait_for(port: int, path: str = "/health/ready") -> None:
    until = time.monotonic() + START_LIMIT_S
    while call(port, path) is None:
        assert time.monotonic() < until, "the service does not come up"
        time.sleep(0.1)


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[psutil.Process, int]]:
    """`portrait serve` (or another command) on a data folder and a free port, killed with all its family at the end."""
    port = free_port()
    with (folder / "output.log").open("ab") as log:
        child = subprocess.Popen(
            [*COMMAND, *(words or ("serve",)), "--port", str(port)],
            cwd=folder,
            env=environment(data_dir=folder / "data"),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    family = psutil.Process(child.pid)
    try:
        yield family, port
    finally:
        members = [*family.children(recursive=True), family] if family.is_running() else []
        for member in members:
            member.kill()
        child.wait()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def wait_until_gone(processes: list[psutil.Process], limit_s: float) -> list[psutil.Process]:
    """Those that live on after the limit."""
    until = time.monotonic() + limit_s
    while alive(processes) and time.monotonic() < until:
        time.sleep(0.05)
    return alive(processes)
