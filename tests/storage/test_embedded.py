"""The embedded server keeps its data whatever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.domain.errors import Misconfigured, Unavailable
from app.storage.durability import unsafe_settings
from app.storage.embedded import EmbeddedPostgres
from app.storage.engine import Database

OWNER = """
import sys, time
from pathlib import Path
from app.storage.durability import unsafe_settings
from app.storage.embedded import EmbeddedPostgres
from app.storage.engine import Database
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
time.sleep(120)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path)
    yield server
    server.stop()


def remember(url: str, word: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


def words(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY word")]


def postmaster(data_dir: Path) -> psutil.Process:
    return psutil.Process(int((data_dir / "postgres/cluster/postmaster.pid").read_text().split()[0]))


def test_data_survive_a_stop_and_a_second_stop_is_nothing(server: EmbeddedPostgres) -> None:
    remember(server.start(), "kept")
    server.stop()
    server.stop()
    assert words(server.start()) == ["kept"]


def test_a_killed_postmaster_is_revived_with_its_data(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = server.start()
    remember(url, "kept")
    assert not server.revive()
    killed = postmaster(tmp_path)
    killed.kill()
    _wait_until(server.revive)
    assert words(url) == ["kept"]
    assert postmaster(tmp_path).pid != killed.pid


async def test_a_database_in_use_answers_again_after_its_server_was_killed(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = server.start()
    database = await Database.open(url)
    assert await unsafe_settings(database) == []
    postmaster(tmp_path).kill()
    _wait_until(server.revive)
    started = time.monotonic()
    assert await unsafe_settings(database) == []
    assert time.monotonic() - started < 5
    await database.close()


def test_a_started_server_is_not_started_twice(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = server.start()
    pid = postmaster(tmp_path).pid
    assert server.start() == url
    assert postmaster(tmp_path).pid == pid


def test_a_killed_owner_leaves_nothing_running_and_its_data(server: EmbeddedPostgres, tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    url = owner.stdout.readline().strip()
    remember(url, "kept")
    orphan = postmaster(tmp_path)
    owner.kill()
    owner.wait()
    _wait_until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
    assert words(server.start()) == ["kept"]


def test_a_server_that_outlived_its_owner_is_replaced(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """As where the parent's death is not told: the new owner ends it and starts its own."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    remember(owner.stdout.readline().strip(), "kept")
    orphan = postmaster(tmp_path)
    orphan.suspend()  # it cannot act on the signal of its parent's death
    owner.kill()
    owner.wait()
    threading.Timer(1.0, orphan.resume).start()
    assert words(server.start()) == ["kept"]
    assert postmaster(tmp_path).pid != orphan.pid


def test_a_stale_pid_file_with_the_pid_of_another_process_is_no_hindrance(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    remember(server.start(), "kept")
    pid_file = tmp_path / "postgres/cluster/postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    bystander = subprocess.Popen(["sleep", "60"], user="nobody" if os.geteuid() == 0 else None)
    try:
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        assert words(server.start()) == ["kept"]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_an_interrupted_setup_is_done_again(server: EmbeddedPostgres, tmp_path: Path) -> None:
    half = tmp_path / "postgres/cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    remember(server.start(), "works")


def test_another_process_joins_and_leaves_the_server_running(server: EmbeddedPostgres, tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    try:
        url = owner.stdout.readline().strip()
        assert server.start() == url
        server.stop()
        remember(url, "still there")
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()


def test_a_long_folder_name_is_no_hindrance(tmp_path: Path) -> None:
    deep = EmbeddedPostgres(tmp_path / ("x" * 100))
    try:
        remember(deep.start(), "works")
    finally:
        deep.stop()


def test_data_of_another_postgres_version_are_left_alone(server: EmbeddedPostgres, tmp_path: Path) -> None:
    cluster = tmp_path / "postgres/cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("13\n")
    with pytest.raises(Misconfigured):
        server.start()
    assert (cluster / "PG_VERSION").read_text() == "13\n"


def test_a_server_that_cannot_start_names_its_log(server: EmbeddedPostgres, tmp_path: Path) -> None:
    server.start()
    server.stop()
    (tmp_path / "postgres/cluster/global/pg_control").unlink()
    with pytest.raises(Unavailable) as told:
        server.start()
    assert "server.log" in told.value.hint


def test_only_the_main_thread_may_start_it(server: EmbeddedPostgres) -> None:
    caught: list[Exception] = []

    def start() -> None:
        try:
            server.start()
        except Misconfigured as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(caught) == 1


def _wait_until(true: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
