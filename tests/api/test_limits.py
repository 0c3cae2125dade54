"""Too much at a time, too slowly, and what every answer carries."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx2
import pytest

from app.api import body, connections
from app.api.connections import MOST_HEADER_BYTES

from .wire import Service, problem_of, start_service

N_BODY = 300  # behaviours: some 20 ms of work


@pytest.fixture(scope="module")
def narrow(api_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(api_database_url, tmp_path_factory.mktemp("narrow"), max_in_flight=2, max_wait_ms=20)
    yield service
    service.stop()


def test_under_overload_some_are_served_and_the_rest_is_told_soon(narrow: Service) -> None:
    body = [{"user_id": f"crowd-{n}", "item_id": "i", "type": "view"} for n in range(N_BODY)]
    with httpx2.Client(base_url=narrow.base_url, timeout=30, limits=httpx2.Limits(max_connections=40)) as client:

        def send(number: int) -> httpx2.Response:
            return client.post("/behaviors", json=[{**one, "behavior_id": str(number)} for one in body])

        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(send, range(200)))
        assert {answer.status_code for answer in answers} == {200, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert problem_of(answer, 503)["code"] == "overloaded"
                assert int(answer.headers["retry-after"]) > 0
        assert client.get("/health/live").status_code == 200
        assert send(-1).status_code == 200  # and at once all is well again


def test_bodies_that_do_not_arrive_hold_no_place(narrow: Service) -> None:
    where = urlsplit(narrow.base_url)
    slow = [socket.create_connection((where.hostname, where.port), timeout=5) for _ in range(50)]
    try:
        for one in slow:
            one.sendall(b"POST /behaviors HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        time.sleep(0.2)
        for _ in range(20):
            assert httpx2.get(f"{narrow.base_url}/items?limit=1").status_code == 200
    finally:
        for one in slow:
            one.close()


def test_streams_hold_no_place(narrow: Service) -> None:
    job = httpx2.post(f"{narrow.base_url}/jobs", json={"kind": "train"}).json()["job_id"]
    with httpx2.Client(base_url=narrow.base_url, timeout=10) as client:
        streams = [client.stream("GET", f"/jobs/{job}/events") for _ in range(5)]
        for stream in streams:
            assert stream.__enter__().status_code == 200
        assert client.get("/items?limit=1").status_code == 200
        assert client.delete(f"/jobs/{job}").status_code == 202
        for stream in streams:
            stream.__exit__(None, None, None)


def test_headers_that_do_not_arrive_are_cut(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_WITHIN_S", 0.5)
    where = urlsplit(base_url)
    for begun in (b"", b"GET /items HTTP/1.1\r\nHost: x\r\nX-", b"\r\n"):
        with socket.create_connection((where.hostname, where.port), timeout=5) as raw:
            raw.sendall(begun)
            started = time.monotonic()
            assert raw.recv(100) == b""
            assert time.monotonic() - started < 3


def test_dripping_headers_are_cut_too_also_after_a_good_request(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_WITHIN_S", 0.5)
    where = urlsplit(base_url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as raw:
        raw.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while b'"live"' not in got:
            got += raw.recv(1_000)
        ended = threading.Event()

        def drip() -> None:
            try:
                raw.sendall(b"GET /health/live HTTP/1.1\r\n")
                while not ended.wait(0.1):
                    raw.sendall(b"X")
            except OSError:
                return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert _rest(raw) == b""
        finally:
            ended.set()
            dripping.join()


@pytest.mark.parametrize("path", ["/users/u1?limti=1", "/users/%00", "/nowhere"])
def test_who_sends_a_large_body_hears_an_early_answer(base_url: str, path: str) -> None:
    where = urlsplit(base_url)
    sent = b'{"attributes": {}}' + b" " * 1_000_000
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=5) as raw:
        raw.sendall(head.encode() + sent[:100_000])
        assert raw.recv(2).startswith(b"HT")
        raw.sendall(sent[100_000:] + b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answers.count(b"HTTP/1.1 200") == 1  # the connection goes on behind the refused body


def test_a_body_that_comes_too_slowly_is_told_so(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "BODY_WITHIN_S", 0.5)
    where = urlsplit(base_url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as raw:
        raw.sendall(b"POST /behaviors HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        started = time.monotonic()
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
        assert 0.4 < time.monotonic() - started < 3
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"request_timeout"' in answer


def test_a_body_that_nobody_reads_may_not_come_for_ever(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_WITHIN_S", 0.5)
    where = urlsplit(base_url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as raw:
        raw.sendall(b"PUT /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{")
        got = b""
        while not got.endswith(b"}"):
            got += raw.recv(65_536)
        assert got.startswith(b"HTTP/1.1 404")
        raw.sendall(b" ")
        started = time.monotonic()
        assert _rest(raw) == b""
        assert time.monotonic() - started < 3


def test_endless_headers_are_cut(base_url: str) -> None:
    where = urlsplit(base_url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as raw:
        raw.sendall(b"GET /items HTTP/1.1\r\nHost: x\r\n")
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            _send_headers(raw, 10 * MOST_HEADER_BYTES)


def _send_headers(raw: socket.socket, n_bytes: int) -> None:
    for _ in range(n_bytes // 1_000):
        raw.sendall(b"X-A: " + b"a" * 993 + b"\r\n")
        time.sleep(0.001)


def _rest(raw: socket.socket) -> bytes:
    try:
        return raw.recv(1_000)
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "path",
    [
        "/users/guarded/profile",
        "/users/guarded",
        "/users/guarded/behaviors",
        "/users/guarded/recommendations",
        "/users",
        "/search?q=tea&user_id=guarded",
        "/health/live",
        "/nowhere",
    ],
)
def test_nothing_on_the_way_keeps_or_frames_or_guesses_an_answer(client: httpx2.Client, path: str) -> None:
    behavior = {"user_id": "guarded", "item_id": "g", "type": "view", "behavior_id": "guarded"}
    received = client.post("/behaviors", json=behavior)
    for headers in (received.headers, client.get(path).headers):
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_documentation_keeps_its_own_policy(client: httpx2.Client) -> None:
    page = client.get("/docs")
    assert page.headers.get_list("content-security-policy") == [page.headers["content-security-policy"]]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    asset = client.get("/docs/assets/swagger.js")
    assert asset.headers["cache-control"] == "public, max-age=3600"
