"""Keys from the command line, in the service that runs and without one."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.portrait import run, serving, wait_for


def key_in(text: str) -> tuple[str, str]:
    """Id and key."""
    found = re.search(r"^pk_([0-9a-f]{12})_[0-9a-f]{64}$", text, re.M)
    assert found, text
    return found[1], found[0]


def status(port: int, path: str, key: str | None = None) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"x-api-key": key} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def within(limit_s: float, port: int, key: str | None, wanted: int) -> None:
    until = time.monotonic() + limit_s
    while status(port, "/items", key) != wanted:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_keys_are_made_listed_and_revoked(tmp_path: Path, database_url: str) -> None:
    where: dict[str, str | Path] = {"database_url": database_url, "data_dir": tmp_path}
    assert "No key yet" in run(tmp_path, "keys", "list", **where).stdout
    scopes = ("--scope", "items:write", "--scope", "recommendations:read")
    made = run(tmp_path, "keys", "create", "--name", "shop", *scopes, "--expires-in", "90d", **where)
    key_id, key = key_in(made.stdout)
    listed = run(tmp_path, "keys", "list", **where).stdout
    assert key_id in listed
    assert "items:write" in listed
    assert "recommendations:read" in listed
    assert key.split("_")[2] not in listed
    assert run(tmp_path, "keys", "revoke", key_id, **where).returncode == 0
    assert "revoked" in run(tmp_path, "keys", "list", **where).stdout
    missing = run(tmp_path, "keys", "revoke", "nothing", **where)
    assert (missing.returncode, missing.stderr.splitlines()[0]) == (1, "✗ No key has this id.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "x", "--scope", "everything"), "everything is no scope."),
        (("--name", "x", "--scope", "admin", "--expires-in", "soon"), "soon is no span of time."),
        (("--name", "x", "--scope", "admin", "--expires-in", "999999d"), "999999d is no span of time."),
        (("--name", "", "--scope", "admin"), "The name cannot be taken."),
    ],
)
def test_a_slip_is_told_before_anything_is_started(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = run(tmp_path, "keys", "create", *words, data_dir=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, f"✗ {said}")
    assert list(tmp_path.iterdir()) == []


def test_a_network_is_not_served_before_there_is_a_key(tmp_path: Path, database_url: str) -> None:
    done = run(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", data_dir=tmp_path, database_url=database_url)
    assert done.returncode == 1
    assert "portrait keys create" in done.stderr


def test_a_running_service_follows_and_its_processes_count_together(tmp_path: Path) -> None:
    where: dict[str, str | Path] = {"data_dir": tmp_path / "data"}
    with serving(tmp_path, "serve", "--workers", "2") as (portrait, port):
        wait_for(port)
        assert status(port, "/items") == 200
        key_id, key = key_in(run(tmp_path, "keys", "create", "--name", "me", "--scope", "admin", **where).stdout)
        within(5, port, None, 401)
        for _ in range(30):
            assert status(port, "/items", key) == 200
        told = metrics(port, key)
        assert told['portrait_processes{process="server"}'] == 2
        assert told['portrait_processes{process="jobs"}'] == 1
        assert told['portrait_requests_total{method="GET",route="/items",status="200"}'] >= 31
        assert told['portrait_process_memory_bytes{process="server"}'] > 2e7
        server = next(child for child in portrait.children() if "worker" in child.cmdline())
        server.kill()
        again = again_two(port, key)
        name = 'portrait_requests_total{method="GET",route="/items",status="200"}'
        assert again[name] >= told[name]  # a counter never falls, also when its process dies
        assert run(tmp_path, "keys", "revoke", key_id, **where).returncode == 0
        within(5, port, key, 401)
        assert status(port, "/items") == 401


def metrics(port: int, key: str) -> dict[str, float]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"x-api-key": key})
    with urllib.request.urlopen(request, timeout=10) as response:
        lines = response.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def again_two(port: int, key: str) -> dict[str, float]:
    """The metrics when the dead one has gone and its successor has come."""
    until = time.monotonic() + 60
    time.sleep(1)
    while (told := metrics(port, key)).get('portrait_processes{process="server"}') != 2:
        assert time.monotonic() < until, told
        time.sleep(0.2)
    return told
