"""The whole service as processes: started, served from, hurt and stopped."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil

from tests.cli.portrait import alive, call, serving, wait_for, wait_until_gone


def test_serve_brings_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path) as (portrait, port):
        wait_for(port)
        behavior = {"user_id": "ann", "item_id": "tea", "type": "purchase"}
        assert call(port, "/behaviors", behavior)["accepted"] == 1
        assert call(port, "/users/ann/profile")["version"] == 1
        family = portrait.children(recursive=True)
        started = time.monotonic()
        portrait.send_signal(signal.SIGTERM)
        assert wait_until_gone([portrait, *family], 20) == []
        assert time.monotonic() - started < 20
    with serving(tmp_path) as (_, port):  # the data are there again
        wait_for(port)
        assert call(port, "/users/ann/profile")["version"] == 1


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with serving(tmp_path, "serve", "--workers", "2") as (portrait, port):
        wait_for(port)
        family = portrait.children(recursive=True)
        assert len(family) > 3  # two servers, the jobs, Postgres with its own
        portrait.kill()
        assert wait_until_gone(family, 20) == []


def test_a_server_that_dies_is_started_again(tmp_path: Path) -> None:
    with serving(tmp_path) as (portrait, port):
        wait_for(port)
        server = _server(portrait)
        server.kill()
        assert wait_until_gone([server], 5) == []
        wait_for(port)
        assert alive([_server(portrait)])


def _server(portrait: psutil.Process) -> psutil.Process:
    return next(child for child in portrait.children() if "worker" in child.cmdline())
