"""One process that starts, watches and stops all others: Postgres, the jobs, the servers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from app.cli.database import on_database
from app.cli.settings import as_environment
from app.cli.voice import say
from app.domain.errors import Misconfigured, Unavailable
from app.settings import Settings
from app.storage.embedded import EmbeddedPostgres
from app.storage.keys import has_key_in_force
from app.telemetry.shared import VARIABLE, forget_process, fresh_folder

_TICK_S = 0.2
_LONGEST_PAUSE_S = 30.0
_SHORT_LIFE_S = 10.0  # who ends sooner will end again
# Servers finish what they began within 15 s; a job is interrupted, since it is repeated anyway.
_PATIENCE_S = {"server": 16.0, "jobs": 3.0}
# For the matrix libraries of a child: with more threads than free cores they wait for each other by spinning, which
# doubled the processor time of a recommendation. The encoder has a setting of its own.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(slots=True)
class Child:
    """A process that is started again when it ends, later and later while it ends soon."""

    role: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    n_short: int = 0
    due_at: float = field(default=0.0)

    def start(self, environment: dict[str, str], sockets: tuple[int, ...]) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 -- our own arguments
            self.command, env=environment, pass_fds=sockets, stdin=subprocess.DEVNULL, start_new_session=True
        )

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def note_end(self) -> None:
        now = time.monotonic()
        self.n_short = self.n_short + 1 if now - self.started_at < _SHORT_LIFE_S else 0
        self.due_at = now + min(_LONGEST_PAUSE_S, 2.0**self.n_short - 1)
        self.process = None

    def stop(self, until: float) -> None:
        """`until` is in monotonic seconds."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Supervisor:
    """`run` returns after Ctrl-C or SIGTERM, when nothing runs any more. `when_ready` gets the service's address.

    Children ask Linux for a kill when this process dies, so that nothing outlives a `kill -9` of it either.
    """

    def __init__(self, settings: Settings, when_ready: Callable[[str], None] | None = None) -> None:
        self._settings = settings
        self._when_ready = when_ready
        self._stopping = False
        self._postgres = None if settings.database_url else EmbeddedPostgres(settings.data_dir)
        self._children: list[Child] = []
        self._numbers: Path | None = None

    def run(self) -> None:
        """Raises `Misconfigured` or `Unavailable` when it cannot start."""
        with _signals(self._stop_soon), listening(self._settings) as door:
            self._settings = self._settings.model_copy(update={"port": door.getsockname()[1]})
            try:
                self._open_database()
                self._watch(door)
            finally:
                door.close()  # new connections are refused from now on, not left waiting for nobody
                self._stop()

    def _open_database(self) -> None:
        from app.storage import migrate

        started = time.monotonic()
        if self._postgres:
            url = self._postgres.start()
            self._settings = self._settings.model_copy(update={"database_url": url})
            say(f"Postgres runs in {self._settings.data_dir} ({time.monotonic() - started:.1f} s)")
        if not self._stopping and self._settings.database_url:
            migrate.upgrade(self._settings.database_url)
            if self._settings.is_exposed:
                url, master = self._settings.database_url, self._settings.master_keys
                has_keys = asyncio.run(on_database(url, has_key_in_force, master))
                self._settings.refuse_useless_door(has_keys)

    def _watch(self, door: socket.socket) -> None:
        self._numbers = fresh_folder(self._settings.data_dir, self._settings.port)
        environment = {**_ONE_THREAD, **os.environ, **as_environment(self._settings), VARIABLE: str(self._numbers)}
        portrait = [sys.executable, "-P", "-m", "app"]  # -P: no folder `app` of the working directory
        tie = ["--supervisor", str(os.getpid())]
        serve = [*portrait, "worker", "--socket", str(door.fileno()), *tie]
        self._children = [Child("server", serve) for _ in range(self._settings.workers)]
        self._children.append(Child("jobs", [*portrait, "jobs", *tie]))
        started, is_ready = time.monotonic(), False
        while not self._stopping:
            self._keep_running(environment, door)
            if not is_ready and _is_ready(self.address):
                is_ready = True
                say(f"[green]Ready[/] at [bold]{self.address}[/] after {time.monotonic() - started:.1f} s")
                (self._when_ready or _say_addresses)(self.address)
            time.sleep(_TICK_S)

    @property
    def address(self) -> str:
        host = self._settings.host
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 -- compared, not bound
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self._settings.port}"

    def _keep_running(self, environment: dict[str, str], door: socket.socket) -> None:
        if self._postgres and self._postgres.revive():
            say("[yellow]Postgres had ended and was started again[/]")
        for child in self._children:
            if child.runs:
                continue
            if child.process is not None:
                code = child.process.returncode
                if self._numbers:
                    forget_process(self._numbers, child.process.pid)
                child.note_end()
                self._judge(child, code)
            if time.monotonic() >= child.due_at and not self._stopping:
                child.start(environment, (door.fileno(),))

    def _judge(self, child: Child, code: int) -> None:
        if child.role == "server" and code == 1 and child.n_short >= 2:
            raise Unavailable("The server ends at its start.", "Its last lines above say why; `portrait doctor` helps.")
        say(f"[yellow]A {child.role} process ended ({code}) and is started again[/]")

    def _stop_soon(self) -> None:
        self._stopping = True

    def _stop(self) -> None:
        """Servers first, so that requests in flight still find their database."""
        if any(child.runs for child in self._children):
            say("Stopping ...")
        now = time.monotonic()
        for child in self._children:
            if child.process:
                child.process.terminate()
        for child in sorted(self._children, key=lambda child: _PATIENCE_S[child.role]):
            child.stop(now + _PATIENCE_S[child.role])
        if self._postgres:
            self._postgres.stop()


def _say_addresses(address: str) -> None:
    say(f"Console: {address}/console    Documentation: {address}/docs    Ctrl-C stops everything")


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=1.0):  # noqa: S310 -- our own address
            return True
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The port is ours before anything is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((settings.host, settings.port))
        except OSError as error:
            raise Misconfigured(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}.",
                "Stop what uses the port, or choose another one with --port.",
            ) from error
        yield door


@contextmanager
def _signals(stop_soon: Callable[[], None]) -> Iterator[None]:
    """The first signal stops in good order, the second one at once."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    seen: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        stop_soon()

    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
