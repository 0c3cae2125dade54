"""POST /behaviors: what the journey of a behaviour promises, over the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.domain.limits import MAX_ERRORS, MAX_LISTED

from .wire import problem_of


def behavior(user: str, **fields: Any) -> dict[str, Any]:
    return {"user_id": user, "type": "view", "item_id": "i1", **fields}


def post(client: httpx2.Client, body: bytes, kind: str = "application/json") -> httpx2.Response:
    return client.post("/behaviors", content=body, headers={"content-type": kind})


def test_one_an_array_and_lines_are_all_taken(client: httpx2.Client) -> None:
    one = behavior("forms")
    assert client.post("/behaviors", json=one).json()["accepted"] == 1
    assert client.post("/behaviors", json=[one, one]).json()["accepted"] == 2
    lines = f"{json.dumps(one)}\n\n{json.dumps(one)}\n".encode()
    assert post(client, lines, "application/x-ndjson; charset=utf-8").json()["accepted"] == 2
    assert len(client.get("/users/forms/behaviors").json()["items"]) == 5


def test_what_is_good_in_a_batch_is_kept(client: httpx2.Client) -> None:
    good = json.dumps(behavior("partly", behavior_id="b1"))
    body = f'[{good}, {{"user_id": "partly", "value": NaN}}, {{"user_id": "a/b", "type": "view", "item_id": "i"}}, 7]'
    answer = post(client, body.encode())
    assert answer.status_code == 207
    told = answer.json()
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (1, 0, 3)
    assert [(fault["index"], fault["code"], fault["pointer"]) for fault in told["errors"]] == [
        (1, "not_finite", "/1"),
        (2, "invalid_id", "/2/user_id"),
        (3, "invalid_type", "/3"),
    ]
    assert [one["behavior_id"] for one in client.get("/users/partly/behaviors").json()["items"]] == ["b1"]


def test_a_bad_line_fails_alone_and_keeps_its_place(client: httpx2.Client) -> None:
    good = json.dumps(behavior("lines"))
    answer = post(client, f'{good}\n{{broken\n{good}\n{{"user_id": "lines"}}'.encode(), "application/x-ndjson")
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 2
    assert {fault["index"] for fault in answer.json()["errors"]} == {1, 3}


def test_a_repeat_counts_as_duplicate_and_another_content_as_conflict(client: httpx2.Client) -> None:
    first = behavior("twice", behavior_id="b1", value=1)
    assert client.post("/behaviors", json=first).json()["accepted"] == 1
    assert client.post("/behaviors", json=first).json()["duplicates"] == 1
    answer = client.post("/behaviors", json={**first, "value": 2})
    assert problem_of(answer, 422)["errors"][0]["code"] == "behavior_conflict"
    assert client.get("/users/twice/behaviors").json()["items"][0]["value"] == 1


BAD = [
    ({"user_id": None}, "invalid_type"),
    ({"user_id": "a/b"}, "invalid_id"),
    ({"user_id": ".."}, "invalid_id"),
    ({"item_id": "x" * 129}, "invalid_id"),
    ({"item_id": "i\u0000"}, "invalid_text"),
    ({"item_id": None, "text": " "}, "no_item_or_text"),
    ({"text": "x" * 1_000_000}, "text_too_long"),
    ({"value": False}, "invalid_type"),
    ({"value": "3"}, "invalid_type"),
    ({"type": ""}, "invalid_value"),
    ({"type": None}, "invalid_type"),
    ({"occurred_at": "2026-01-01T00:00:00"}, "invalid_time"),
    ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "invalid_time"),
    ({"occurred_at": 1_700_000_000}, "invalid_time"),
    ({"occurred_at": "1066-10-14T09:00:00Z"}, "time_out_of_window"),
    ({"occurred_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "time_out_of_window"),
    ({"occured_at": "2026-01-01T00:00:00Z"}, "unknown_field"),
    ({"context": {"deep": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}, "too_deep"),
]


@pytest.mark.parametrize(("fields", "code"), BAD)
def test_what_cannot_be_taken_is_refused_with_a_hint(client: httpx2.Client, fields: dict[str, Any], code: str) -> None:
    body = problem_of(client.post("/behaviors", json=behavior("refused", **fields)), 422)
    assert code in {fault["code"] for fault in body["errors"]}
    problem_of(client.get("/users/refused/behaviors"), 404)


def test_a_time_out_of_the_window_shows_the_clock_of_the_server(client: httpx2.Client) -> None:
    answer = client.post("/behaviors", json=behavior("late", occurred_at="1066-10-14T09:00:00Z"))
    assert f"{datetime.now(UTC):%Y-%m-%dT%H}" in problem_of(answer, 422)["errors"][0]["hint"]


def test_too_many_behaviors_are_refused_whole(client: httpx2.Client) -> None:
    many = [behavior("many")] * 10_001
    assert problem_of(client.post("/behaviors", json=many), 413)["code"] == "too_many_entries"
    problem_of(client.get("/users/many"), 404)


def test_an_answer_to_thousands_of_bad_entries_ends(client: httpx2.Client) -> None:
    bad = dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 0)
    errors = problem_of(client.post("/behaviors", json=[bad] * 2_000), 422)["errors"]
    assert {fault["index"] for fault in errors} == set(range(2_000))  # each is told of, if not with all its faults
    assert len(errors) <= MAX_LISTED + MAX_ERRORS + 2_000


def test_thousands_of_unknown_types_are_told_in_a_hundred_and_one_warnings(client: httpx2.Client) -> None:
    sent = [behavior("types", type=f"t{n}") for n in range(MAX_ERRORS + 50)]
    told = client.post("/behaviors", json=sent).json()
    assert told["accepted"] == len(sent)
    unmapped = [warning for warning in told["warnings"] if warning["code"] == "type_unmapped"]
    assert len(unmapped) == MAX_ERRORS + 1
    assert unmapped[-1]["detail"].startswith("50 more")


def test_an_unknown_type_and_an_unknown_item_are_taken_with_a_warning(client: httpx2.Client) -> None:
    told = client.post("/behaviors", json=[behavior("warned"), behavior("warned", type="purchas")]).json()
    assert told["accepted"] == 2
    warnings = {warning["code"]: warning for warning in told["warnings"]}
    assert "purchase" in warnings["type_unmapped"]["hint"]
    assert warnings["type_unmapped"]["index"] == 1
    assert "item_unknown" in warnings


def test_what_was_sent_reads_back_as_it_was(client: httpx2.Client) -> None:
    sent = behavior(
        "back",
        behavior_id="b-ü-1",
        text="  Käse\n\U0001f9c0 [SEP] ",
        occurred_at="2026-01-01T01:02:03.456789+05:30",
        value=-0.5,
        session_id="s1",
        scenario="home",
        context={"page": [1, {"x": None}]},
    )
    assert client.post("/behaviors", json=sent).json()["accepted"] == 1
    (read,) = client.get("/users/back/behaviors").json()["items"]
    assert read.pop("occurred_at") == "2025-12-31T19:32:03.456789Z"
    assert {name: read[name] for name in sent if name != "occurred_at"} == {
        name: value for name, value in sent.items() if name != "occurred_at"
    }


def test_an_empty_array_is_nothing(client: httpx2.Client) -> None:
    answer = client.post("/behaviors", json=[])
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 0, "duplicates": 0, "warnings": [], "rejected": 0, "errors": []}
