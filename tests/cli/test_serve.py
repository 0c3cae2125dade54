"""The whole service as processes: started, served from, hurt and stopped."""

from __future__ import annotations

import json
import signal
import socket
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


def test_whatever_is_killed_it_is_ready_again_within_15_s(tmp_path: Path) -> None:
    with serving(tmp_path) as (portrait, port):
        wait_for(port)
        for victim in (_server(portrait), _postgres(portrait)):
            victim.kill()
            killed_at = time.monotonic()
            assert wait_until_gone([victim], 5) == []
            wait_for(port)
            assert time.monotonic() - killed_at < 15
            assert alive([_server(portrait), _postgres(portrait)])
            behavior = {"user_id": "ann", "item_id": "tea", "type": "view", "behavior_id": str(victim.pid)}
            assert call(port, "/behaviors", behavior)["accepted"] == 1


def test_told_to_stop_it_finishes_what_it_began_and_takes_nothing_new(tmp_path: Path) -> None:
    with serving(tmp_path) as (portrait, port):
        wait_for(port)
        body = json.dumps({"user_id": "ann", "item_id": "tea", "type": "view"}).encode()
        head = f"POST /behaviors HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        with socket.create_connection(("127.0.0.1", port), timeout=20) as begun:
            begun.sendall(head.encode() + b"\r\n\r\n" + body[:10])
            time.sleep(0.5)
            portrait.send_signal(signal.SIGTERM)
            told_at = time.monotonic()
            assert _refuses(port, within_s=5)
            begun.sendall(body[10:])
            answer = b"".join(iter(lambda: begun.recv(65_536), b""))
            assert answer.startswith(b"HTTP/1.1 200"), answer
            assert b'"accepted":1' in answer.replace(b" ", b"")
        assert wait_until_gone([portrait], 20) == []
        assert time.monotonic() - told_at < 20


def _refuses(port: int, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.05)
    return False


def _postgres(portrait: psutil.Process) -> psutil.Process:
    return next(child for child in portrait.children() if child.name() == "postgres")


def _server(portrait: psutil.Process) -> psutil.Process:
    return next(child for child in portrait.children() if "worker" in child.cmdline())
