"""Starts a Postgres and a service in a scratch folder, kills them at drawn moments, and asks what is left."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil
from psycopg.conninfo import conninfo_to_dict

from app.cli.chaos.clients import Clients
from app.cli.chaos.ledger import Fact, Ledger, Verdict, compare, miscounted
from app.cli.chaos.proxy import Proxy
from app.domain.errors import Unavailable
from app.privacy.encryption import MasterKeys
from app.settings import PREFIX, Settings
from app.storage import migrate
from app.storage.audit import stream_facts
from app.storage.embedded import EmbeddedPostgres
from app.storage.engine import Database

_TICK_S = 0.1
START_WITHIN_S = 120.0
# After the last blow everything has to be acknowledged within this time.
DRAIN_WITHIN_S = 120.0
# Quiet time between two blows, counted from when the service is ready again.
QUIET_S = (0.5, 4.0)
# Everything is hit at least once; then as often as is drawn by these weights.
BLOWS = {"postgres": 3, "server": 3, "service": 1, "backend": 2, "connections": 2}
_FIRST = ("postgres", "server")


@dataclass(slots=True)
class Report:
    """What came of it. `ready_after_s`: from a blow until the service was ready again."""

    verdict: Verdict
    miscounted: list[str]
    strange: list[str]
    n_retries: int
    n_swallowed: int
    n_resets: int
    blows: dict[str, int]
    ready_after_s: list[float]
    folder: Path | None = None

    @property
    def good(self) -> bool:
        return self.verdict.good and not self.miscounted and not self.strange


def run_chaos(settings: Settings, seconds: float, n_behaviors: int, seed: int) -> Report:
    """At least so long and so many acknowledged. The folder stays where something is wrong. Main thread only.

    Of the settings only the master key counts: with one, users are stored encrypted.
    """
    folder = Path(tempfile.mkdtemp(prefix="portrait-chaos-"))
    chaos = _Chaos(folder, random.Random(seed), settings)  # noqa: S311 - blows are no secret
    try:
        chaos.start()
        chaos.strike(seconds, n_behaviors)
        report = chaos.report()
    finally:
        chaos.stop()
    if report.good:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        report.folder = folder
    return report


@dataclass(slots=True)
class _Chaos:
    folder: Path
    draw: random.Random
    settings: Settings
    postgres: EmbeddedPostgres = field(init=False)
    url: str = ""
    port: int = 0
    proxy_port: int = 0
    proxy: Proxy = field(init=False)
    clients: Clients = field(init=False)
    service: subprocess.Popen[bytes] | None = None
    blows: Counter[str] = field(default_factory=Counter)
    ready_after_s: list[float] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def start(self) -> None:
        self.postgres = EmbeddedPostgres(self.folder)
        self.url = self.postgres.start()
        migrate.upgrade(self.url)
        threading.Thread(target=self._loop.run_forever, name="chaos-wire", daemon=True).start()
        upstream = f"{conninfo_to_dict(self.url)['host']}/.s.PGSQL.5432"
        self.proxy = Proxy(upstream, random.Random(self.draw.random()))  # noqa: S311
        self.proxy_port = asyncio.run_coroutine_threadsafe(self.proxy.start(), self._loop).result(10)
        self.port = _free_port()
        self.clients = Clients(f"http://127.0.0.1:{self.port}", random.Random(self.draw.random()))  # noqa: S311
        self._serve()
        self._until(self._is_ready, START_WITHIN_S, "The service does not get ready.")

    def strike(self, seconds: float, n_behaviors: int) -> None:
        """Blow after blow while the clients post, then peace until everything is acknowledged."""
        running = asyncio.run_coroutine_threadsafe(self.clients.run(), self._loop)
        self.proxy.harm = True
        until, first = time.monotonic() + seconds, self.draw.sample(_FIRST, len(_FIRST))
        while time.monotonic() < until or len(self.clients.ledger.acknowledged) < n_behaviors or first:
            self._wait(self.draw.uniform(*QUIET_S))
            self._blow(first.pop() if first else self.draw.choices([*BLOWS], [*BLOWS.values()])[0])
            struck = time.monotonic()
            self._until(self._is_ready, START_WITHIN_S, "The service does not come back.")
            self.ready_after_s.append(time.monotonic() - struck)
        self.proxy.harm = False
        self.clients.stop()
        self._until(running.done, DRAIN_WITHIN_S, "Not everything was acknowledged.")
        running.result()

    def report(self) -> Report:
        ledger = self.clients.ledger
        return Report(
            verdict=compare(ledger, asyncio.run(_stored(self.url, self.settings.master_keys, ledger))),
            miscounted=miscounted(ledger, self._profiles(ledger)),
            strange=ledger.strange,
            n_retries=ledger.n_retries,
            n_swallowed=self.proxy.n_swallowed,
            n_resets=self.proxy.n_resets,
            blows=dict(self.blows),
            ready_after_s=self.ready_after_s,
        )

    def stop(self) -> None:
        if self.service is not None:
            self.service.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.service.wait(20)
            self.service.kill()
            self.service.wait()
        self.postgres.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self) -> None:
        address = f"postgresql://postgres@127.0.0.1:{self.proxy_port}/portrait?sslmode=disable&gssencmode=disable"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        named = {"DATABASE_URL": address, "DATA_DIR": str(self.folder / "data"), "PORT": str(self.port)}
        if (master := self.settings.master_key) is not None:
            named["MASTER_KEY"] = master.get_secret_value()
        with (self.folder / "service.log").open("ab") as log:
            self.service = subprocess.Popen(
                [sys.executable, "-P", "-m", "app", "serve"],
                env=kept | {PREFIX + name: value for name, value in named.items()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _keep(self) -> None:
        """What an init system does: whatever has ended is started again."""
        self.postgres.revive()
        if self.service is not None and self.service.poll() is not None:
            self._serve()

    def _blow(self, what: str) -> None:
        self.blows[what] += 1
        if what == "connections":
            self._loop.call_soon_threadsafe(self.proxy.cut_all)
        for pid in self._victims(what):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _victims(self, what: str) -> list[int]:
        if what in {"postgres", "backend"}:
            postmaster = int((self.folder / "postgres/cluster/postmaster.pid").read_text().split()[0])
            backends = [child.pid for child in psutil.Process(postmaster).children()]
            return [postmaster] if what == "postgres" else [self.draw.choice(backends)]
        if self.service is None or what == "connections":
            return []
        if what == "service":
            return [self.service.pid]
        return [child.pid for child in psutil.Process(self.service.pid).children() if "worker" in child.cmdline()]

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=4).status_code == 200
        except httpx2.HTTPError:
            return False

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._keep()
            time.sleep(_TICK_S)

    def _until(self, done: Callable[[], bool], limit_s: float, otherwise: str) -> None:
        until = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > until:
                raise Unavailable(otherwise, f"The logs are in {self.folder}.")
            self._wait(_TICK_S)

    def _profiles(self, ledger: Ledger) -> dict[str, dict[str, int]]:
        with httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as http:
            return {user_id: http.get(f"/users/{user_id}/profile").json()["counts"] for user_id in ledger.counts()}


async def _stored(url: str, master: MasterKeys | None, ledger: Ledger) -> list[Fact]:
    db = await Database.open(url, 1, master)
    try:
        vault = await db.vault()
        known = {vault.name(user_id): user_id for user_id, _ in ledger.sent}
        facts = [Fact._make(row) async for row in stream_facts(db)]
        return [fact._replace(user_id=known.get(fact.user_id, fact.user_id)) for fact in facts]
    finally:
        await db.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
