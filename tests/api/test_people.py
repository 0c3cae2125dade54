"""Visitors, merging, consent, export and erasure, over the wire."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.domain.job import ERASE
from app.jobs.run import run_job
from app.services.context import Context
from app.storage.jobs import claimed

from .wire import Service, problem_of


@pytest.fixture(scope="module", autouse=True)
def shop(client: httpx2.Client) -> None:
    words = ["tea", "coffee", "cocoa", "milk", "juice", "water"]
    items = [{"item_id": f"people-{word}", "title": word, "categories": [f"Drinks > {word}"]} for word in words]
    assert client.post("/items", json=items).status_code == 200


def post(client: httpx2.Client, *behaviors: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = client.post("/behaviors", json=list(behaviors)).json()
    return told


def bought(item: str, **fields: Any) -> dict[str, Any]:
    return {"item_id": f"people-{item}", "type": "purchase", **fields}


def slate(client: httpx2.Client, user: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/users/{user}/recommendations", json={"limit": 6} | body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def listed(told: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in told["items"]]


def erased(service: Service, client: httpx2.Client, user: str) -> dict[str, Any]:
    """The job after it has been done."""

    async def work(ctx: Context) -> None:
        async with claimed(ctx.db, kinds=[ERASE]) as job:
            assert job is not None
            await run_job(ctx, job, asyncio.Event())

    asked = client.delete(f"/users/{user}")
    assert asked.status_code == 202, asked.text
    assert asked.json()["kind"] == "erase"
    service.run(work)
    job: dict[str, Any] = client.get(asked.headers["location"]).json()
    assert job["status"] == "done"
    return job


def test_a_session_without_a_user_is_a_visitor(client: httpx2.Client) -> None:
    assert post(client, bought("tea", session_id="v1"))["accepted"] == 1
    (stored,) = client.get("/users/session:v1/behaviors").json()["items"]
    assert (stored["user_id"], stored["session_id"]) == ("session:v1", "v1")
    assert client.get("/users/session:v1/profile").json()["counts"] == {"purchase": 1}
    assert client.get("/users/session:v1/recommendations").json()["fallback_reason"] != "user_unknown"
    post(client, bought("milk", user_id="visited", session_id="v1"))
    assert len(client.get("/users/session:v1/behaviors").json()["items"]) == 1


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({}, "missing_field", "/0/user_id"),
        ({"session_id": "s" * 121}, "invalid_id", "/0/session_id"),
        ({"session_id": "a/b"}, "invalid_id", "/0/session_id"),
        ({"session_id": ""}, "invalid_id", "/0/session_id"),
        ({"user_id": "", "session_id": "s"}, "invalid_id", "/0/user_id"),
        ({"user_id": None, "session_id": "s"}, "invalid_type", "/0/user_id"),
    ],
)
def test_nobody_is_no_visitor(client: httpx2.Client, fields: dict[str, Any], code: str, pointer: str) -> None:
    body = problem_of(client.post("/behaviors", json=[bought("tea", **fields)]), 422)
    assert [(fault["code"], fault["pointer"]) for fault in body["errors"]] == [(code, pointer)]


def test_behaviours_of_the_session_count_and_are_not_stored(client: httpx2.Client) -> None:
    post(client, bought("tea", user_id="in-session", behavior_id="b1"))
    before = slate(client, "in-session")
    told = slate(client, "in-session", behaviors=[bought("milk")])
    assert "people-milk" not in listed(told)
    assert told["fallback_reason"] == before["fallback_reason"]
    assert listed(slate(client, "in-session")) == listed(before)
    assert len(client.get("/users/in-session/behaviors").json()["items"]) == 1
    repeated = slate(client, "in-session", behaviors=[bought("tea", behavior_id="b1")])
    assert listed(repeated) == listed(before)
    unseen = slate(client, "never-seen", behaviors=[bought("milk")])
    assert "people-milk" not in listed(unseen)
    assert unseen["fallback_reason"] != "user_unknown"


@pytest.mark.parametrize(
    ("behavior", "pointer"),
    [
        ({"type": "view"}, "/behaviors/0"),
        (bought("tea", user_id="another"), "/behaviors/0/user_id"),
        (7, "/behaviors/0"),
        (bought("tea", valeu=1), "/behaviors/0/valeu"),
    ],
)
def test_bad_behaviours_of_a_session_are_refused(client: httpx2.Client, behavior: Any, pointer: str) -> None:
    answer = client.post("/users/bad-session/recommendations", json={"behaviors": [behavior]})
    assert problem_of(answer, 422)["errors"][0]["pointer"] == pointer


def test_a_visitor_who_signs_in_is_merged_once(client: httpx2.Client) -> None:
    late = bought("cocoa", session_id="signs-in", behavior_id="late")
    post(client, bought("tea", session_id="signs-in"), bought("milk", user_id="signed-in"))
    merge = {"from": "session:signs-in"}
    first = client.post("/users/signed-in/merge", json=merge)
    assert first.json() == {"user_id": "signed-in", "moved": 1, "duplicates": 0, "conflicts": []}
    assert client.post("/users/signed-in/merge", json=merge).json()["moved"] == 0
    assert post(client, late)["accepted"] == 1
    assert post(client, late)["duplicates"] == 1
    profiles = [client.get(f"/users/{user}/profile").json() for user in ("signed-in", "session:signs-in")]
    assert profiles[0] == profiles[1]
    assert profiles[0]["counts"] == {"purchase": 3}
    assert client.get("/users/session:signs-in").json()["user_id"] == "signed-in"


def test_what_cannot_be_merged_is_a_problem(client: httpx2.Client) -> None:
    client.post("/users/m1/merge", json={"from": "m2"})
    for user, body, status, code in (
        ("m1", {"from": "m1"}, 422, "invalid_input"),
        ("m1", {"from": "a/b"}, 422, "invalid_input"),
        ("m1", {}, 422, "invalid_input"),
        ("m1", {"from": "m3", "to": "m1"}, 422, "invalid_input"),
        ("m2", {"from": "m1"}, 409, "merge_circle"),
        ("m3", {"from": "m2"}, 409, "merged_elsewhere"),
    ):
        assert problem_of(client.post(f"/users/{user}/merge", json=body), status)["code"] == code
    client.put("/users/m4/consent", json={"consent": False})
    assert problem_of(client.post("/users/m1/merge", json={"from": "m4"}), 409)["code"] == "consent_off"


def test_two_users_without_consent_get_the_same_list(client: httpx2.Client) -> None:
    post(client, bought("tea", user_id="c1"), bought("milk", user_id="c2"), bought("juice", user_id="c2"))
    for user in ("c1", "c2"):
        assert client.get(f"/users/{user}/profile").json()["interests"]
        assert client.put(f"/users/{user}/consent", json={"consent": False}).json()["consent"] is False
        profile = client.get(f"/users/{user}/profile").json()
        assert (profile["interests"], profile["counts"], profile["consent"]) == ([], {}, False)
    lists = [slate(client, user, behaviors=[bought(word)]) for user, word in (("c1", "cocoa"), ("c2", "water"))]
    assert listed(lists[0]) == listed(lists[1]) == listed(slate(client, "unknown-to-all"))
    assert {one["fallback_reason"] for one in lists} == {"consent_off"}


def test_without_consent_nothing_new_is_stored(client: httpx2.Client) -> None:
    post(client, bought("tea", user_id="c3"))
    client.put("/users/c3/consent", json={"consent": False})
    answer = client.post("/behaviors", json=[bought("milk", user_id="c3"), bought("milk", user_id="c4")])
    assert answer.status_code == 207
    assert [(one["index"], one["code"]) for one in answer.json()["errors"]] == [(0, "consent_off")]
    alone = client.post("/behaviors", json=bought("milk", user_id="c3"))
    assert problem_of(alone, 422)["errors"][0]["code"] == "consent_off"
    client.put("/users/c3/consent", json={"consent": True})
    assert client.get("/users/c3/profile").json()["counts"] == {"purchase": 1}


def test_consent_may_be_refused_before_anything_is_known(client: httpx2.Client) -> None:
    assert client.put("/users/c5/consent", json={"consent": False}).status_code == 200
    problem_of(client.post("/behaviors", json=bought("milk", user_id="c5")), 422)


@pytest.mark.parametrize("body", [{}, {"consent": "no"}, {"consent": 0}, {"consent": None}, {"consent": True, "x": 1}])
def test_consent_is_a_plain_yes_or_no(client: httpx2.Client, body: dict[str, Any]) -> None:
    problem_of(client.put("/users/c6/consent", json=body), 422)
    problem_of(client.get("/users/c6"), 404)


def test_an_export_is_lines_of_everything(client: httpx2.Client) -> None:
    post(client, *(bought("tea", user_id="exported", behavior_id=f"b{n}") for n in range(3)))
    answer = client.get("/users/exported/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["kind"] for line in lines] == ["user", *["behavior"] * 3, "end"]
    assert lines[0]["user_id"] == "exported"
    problem_of(client.get("/users/nobody-exported/export"), 404)


def test_an_erased_user_is_gone_with_a_receipt(client: httpx2.Client, service: Service) -> None:
    old = bought("tea", user_id="leaving", behavior_id="b1", occurred_at=datetime.now(UTC).isoformat())
    post(client, old)
    job = erased(service, client, "leaving")
    assert job["result"]["deleted"]["behaviors"] == 1
    assert "leaving" not in json.dumps(job)
    for path in ("", "/profile", "/behaviors", "/export"):
        assert problem_of(client.get(f"/users/leaving{path}"), 404)["code"] == "user_unknown"
    assert client.get("/users/leaving/recommendations").json()["fallback_reason"] == "user_unknown"
    assert problem_of(client.post("/behaviors", json=old), 422)["errors"][0]["code"] == "user_erased"
    problem_of(client.delete("/users/leaving"), 404)
    new = old | {"behavior_id": "b2", "occurred_at": (datetime.now(UTC) + timedelta(seconds=5)).isoformat()}
    assert post(client, new)["accepted"] == 1
    assert client.get("/users/leaving/profile").json()["counts"] == {"purchase": 1}


def test_an_erasure_is_asked_for_by_its_own_call_only(client: httpx2.Client) -> None:
    problem_of(client.post("/jobs", json={"kind": "erase"}), 422)
