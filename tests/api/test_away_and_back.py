"""The database goes away in every way there is and comes back: nothing hangs, nothing is restarted.

Writes get 503 with Retry-After within 3 s, recommendations still come and say so, and all is well again 5 s later.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.storage.migrate import upgrade

from .wire import problem_of, start_service, wait_for

SLACK_S = 0.5  # of a busy machine that runs tests
_numbers = itertools.count()


class Wire:
    """A TCP port before Postgres' socket. `silent`: nothing passes, nothing ends. `refusing`: nobody gets through."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._door = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.silent = threading.Event()
        self.refusing = False
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def silence(self) -> Iterator[None]:
        self.silent.set()
        yield
        self.silent.clear()

    @contextmanager
    def refusal(self) -> Iterator[None]:
        self.refusing = True
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        yield
        self.refusing = False

    def _accept(self) -> None:
        while True:
            client, _ = self._door.accept()
            if self.refusing:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._upstream)
            self._open += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65_536):
                while self.silent.is_set():
                    time.sleep(0.01)
                target.sendall(chunk)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def url(server_url: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE away")
    url = server_url.replace("/portrait?", "/away?")
    upgrade(url)
    return url


@pytest.fixture(scope="module")
def wire(url: str) -> Wire:
    return Wire(f"{conninfo_to_dict(url)['host']}/.s.PGSQL.5432")


@pytest.fixture(scope="module")
def client(url: str, wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    named = conninfo_to_dict(url)
    address = f"postgresql://{named['user']}@127.0.0.1:{wire.port}/{named['dbname']}?sslmode=disable&gssencmode=disable"
    service = start_service(address, tmp_path_factory.mktemp("away"))
    with httpx2.Client(base_url=service.base_url, timeout=20) as client:
        wait_for(lambda: client.get("/health/ready").status_code == 200)
        assert write(client).status_code == 200
        yield client
    service.stop()


def write(client: httpx2.Client) -> httpx2.Response:
    sent = {"user_id": "ann", "item_id": "tea", "type": "view", "behavior_id": f"b{next(_numbers)}"}
    return client.post("/behaviors", json=sent)


def refused_in_time(ask: Callable[[], httpx2.Response]) -> None:
    started = time.monotonic()
    answer = ask()
    assert time.monotonic() - started < 3 + SLACK_S
    assert problem_of(answer, 503)["code"] == "database_unavailable"
    assert int(answer.headers["retry-after"]) > 0


def recommended_in_time(client: httpx2.Client) -> None:
    started = time.monotonic()
    answer = client.get("/users/ann/recommendations")
    assert time.monotonic() - started < 3 + SLACK_S
    assert answer.status_code == 200
    assert answer.json()["degraded"] is True
    assert answer.json()["fallback_reason"] == "database_unavailable"


def well_again(client: httpx2.Client) -> None:
    started = time.monotonic()
    while write(client).status_code != 200:
        assert time.monotonic() - started < 5
        time.sleep(0.05)
    answer = client.get("/users/ann/recommendations").json()
    assert answer["fallback_reason"] != "database_unavailable"
    assert client.get("/health/ready").status_code == 200
    assert time.monotonic() - started < 5 + SLACK_S


def test_a_black_hole(client: httpx2.Client, wire: Wire) -> None:
    with wire.silence():
        refused_in_time(lambda: write(client))
        recommended_in_time(client)
        refused_in_time(lambda: client.put("/items/tea", json={"title": "Tea"}))
        started = time.monotonic()
        assert client.get("/health/ready").status_code == 503
        assert time.monotonic() - started < 3 + SLACK_S
    well_again(client)


def test_refused_connections(client: httpx2.Client, wire: Wire) -> None:
    with wire.refusal():
        refused_in_time(lambda: write(client))
        recommended_in_time(client)
    well_again(client)


def test_who_was_seen_is_remembered_with_what_they_asked_for(client: httpx2.Client, wire: Wire) -> None:
    client.post("/items", json=[{"item_id": name, "title": name} for name in ("pear", "fig", "plum")])
    assert client.post("/behaviors", json={"user_id": "bea", "item_id": "tea", "type": "view"}).status_code == 200
    told = {"edits": [{"action": "never", "item_id": "fig"}]}
    tag = client.get("/users/bea/profile").headers["etag"]
    assert client.patch("/users/bea/profile", json=told, headers={"if-match": tag}).status_code == 200
    wait_for(lambda: {"pear", "plum"} <= _shown(client, "bea"))
    with wire.refusal():
        answer = client.get("/users/bea/recommendations").json()
        assert answer["fallback_reason"] == "database_unavailable"
        assert answer["profile_version"] > 0
        assert {"pear", "plum"} <= _shown(client, "bea")
        assert "fig" not in _shown(client, "bea")
        assert "fig" in _shown(client, "somebody-else")
    well_again(client)


def _shown(client: httpx2.Client, user: str) -> set[str]:
    return {item["item_id"] for item in client.get(f"/users/{user}/recommendations").json()["items"]}


@pytest.mark.parametrize("table", ["behaviors", "users"])
def test_a_locked_table(client: httpx2.Client, url: str, table: str) -> None:
    with psycopg.connect(url) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        refused_in_time(lambda: write(client))
        recommended_in_time(client)
        other.rollback()
    well_again(client)


def test_terminated_backends_are_not_even_noticed(client: httpx2.Client, url: str) -> None:
    for _ in range(5):
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert write(client).status_code == 200
        assert client.get("/users/ann/recommendations").json()["fallback_reason"] != "database_unavailable"
    well_again(client)


def test_a_full_disk(client: httpx2.Client, url: str) -> None:
    """Postgres' own error for it, raised where a behaviour is written; reading goes on."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
        )
        other.execute("CREATE TRIGGER full_disk BEFORE INSERT ON behaviors EXECUTE FUNCTION full_disk()")
        refused_in_time(lambda: write(client))
        assert client.get("/users/ann/recommendations").json()["fallback_reason"] != "database_unavailable"
        other.execute("DROP TRIGGER full_disk ON behaviors")
    well_again(client)


def test_what_takes_long_is_not_cut_while_the_server_answers(client: httpx2.Client, url: str) -> None:
    """Slow is not away: a write that waits behind another for two seconds and more is stored."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(4); RETURN NULL; END $$"
        )
        other.execute("CREATE TRIGGER slow AFTER INSERT ON behaviors EXECUTE FUNCTION slow()")
        assert write(client).json()["accepted"] == 1
        other.execute("DROP TRIGGER slow ON behaviors")
    well_again(client)
