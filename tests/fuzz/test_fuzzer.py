"""The fuzzer against the service with planted faults: it must find each of them, and nothing where there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings
from tests.api.wire import DOCUMENT, Service, wait_for
from tests.fuzz.campaign import Outcome, run
from tests.fuzz.link import Answer
from tests.fuzz.message import Hearing, Message, Pairs, Raw, written
from tests.fuzz.mutants import Mutants
from tests.fuzz.planted import Fault, Planted, answers, changes, crashes, hangs, loses
from tests.fuzz.readback import missing

_BEHAVIORS = {"paths": {"/behaviors": DOCUMENT["paths"]["/behaviors"]}, "components": DOCUMENT["components"]}


@pytest.fixture(scope="module")
def planted(fuzzer_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Planted, int]]:
    """The service behind a place for a fault, and its port."""
    folder = tmp_path_factory.mktemp("planted")
    app = create_app(Settings(database_url=fuzzer_database_url, data_dir=folder, _env_file=None))
    planted = Planted(app)
    service = Service(cast(FastAPI, planted))
    service.start()
    wait_for(lambda: app.state.context.encoder.ready)
    yield planted, int(service.base_url.rpartition(":")[2])
    service.stop()


def found_by(planted: tuple[Planted, int], seed: int, fault: Fault | None, where: bytes = b"") -> Outcome:
    """With a seed of its own: what an earlier one has stored would be found in the place of what is lost."""
    service, port = planted
    service.fault, service.where = fault, where
    return asyncio.run(run(("127.0.0.1", port), _BEHAVIORS, seed, 600))


@pytest.mark.parametrize(
    ("seed", "fault", "where", "complaint"),
    [
        (1, crashes, b"NaN", "500 is no problem"),
        (8, answers(404, b"application/json", b'{"detail": "Not Found"}'), b"\\ud800", "404 is no problem"),
        (3, answers(200, b"application/json", b'{"score": NaN}'), b'"rating"', "no JSON"),
        (4, hangs, b"1e400", "no answer within the time"),
        (5, loses, b'"u-1', "a behaviour reads back differently"),
        (6, changes, b"pizza", "a behaviour reads back differently"),
    ],
)
def test_a_planted_fault_is_found(
    planted: tuple[Planted, int], seed: int, fault: Fault, where: bytes, complaint: str
) -> None:
    outcome = found_by(planted, seed, fault, where)
    assert outcome.findings
    assert {one.complaint for one in outcome.findings if complaint not in one.complaint} == set()
    assert all(where in b"".join(heard.body for heard in Hearing(one.raw).requests) for one in outcome.findings)


def test_nothing_is_found_where_nothing_is_wrong(planted: tuple[Planted, int]) -> None:
    outcome = found_by(planted, 7, None)
    assert not outcome.findings
    assert outcome.n_read_back > 50


def test_a_text_that_is_changed_on_its_way_is_found() -> None:
    sent = {"user_id": "u", "item_id": "i", "type": "view", "text": "a ", "occurred_at": "2026-01-01T00:00:00+01:00"}
    message = Message("x", b"POST", b"/behaviors", tree=sent)
    stored = {**sent, "occurred_at": "2025-12-31T23:00:00Z", "behavior_id": "d-1"}
    assert _complaints(message, stored) == []
    for name, value in {"text": "a", "occurred_at": "2026-01-01T00:00:00Z", "item_id": None, "user_id": "U"}.items():
        assert _complaints(message, {**stored, name: value})


def _complaints(message: Message, stored: dict[str, Any]) -> list[str]:
    async def get(_target: bytes) -> Answer:
        return Answer("GET", 200, body=json.dumps({"items": [stored]}).encode())

    (heard,) = Hearing(message.raw()).requests
    receipt = Answer("POST", 200, body=b'{"accepted": 1, "errors": []}')
    return asyncio.run(missing(heard, receipt, get))


def test_the_same_seed_makes_the_same_mutants() -> None:
    one, other = Mutants(DOCUMENT, 3), Mutants(DOCUMENT, 3)
    assert [one(number).pieces for number in range(500)] == [other(number).pieces for number in reversed(range(500))][
        ::-1
    ]
    assert len({one(number).raw for number in range(500)}) > 450


def test_json_that_no_library_writes_is_written() -> None:
    tree = {"a": Raw("NaN"), "b": Pairs([("k", 1), ("k", "\ud800")]), "c": ["\u00e9", None]}
    assert written(tree) == '{"a": NaN, "b": {"k": 1, "k": "\\ud800"}, "c": ["\u00e9", null]}'


def test_what_a_server_must_hear_is_known() -> None:
    two = Message("x", b"GET", b"/a").raw() + Message("x", b"POST", b"/b", body=b"12").raw()
    assert [(one.method, one.target, one.body) for one in Hearing(two).whole] == [
        ("GET", b"/a", b""),
        ("POST", b"/b", b"12"),
    ]
    assert not Hearing(two).ends
    assert Hearing(two[:-1]).ends
    assert Hearing(b"nonsense\r\n\r\n").broken
