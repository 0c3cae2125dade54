"""Jobs and versions of models over the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from app.jobs.run import run_job
from app.services.context import Context
from app.storage.jobs import claimed
from app.storage.models import register

from .wire import Service, problem_of


@pytest.fixture(autouse=True)
def empty_queue(client: httpx2.Client) -> Iterator[None]:
    """Nothing waits before and after: other tests of this folder ask for jobs too."""
    _cancel_all(client)
    yield
    _cancel_all(client)


def _cancel_all(client: httpx2.Client) -> None:
    for job in client.get("/jobs").json()["items"]:
        if job["ended_at"] is None:
            client.delete(f"/jobs/{job['job_id']}")


async def run_next(ctx: Context) -> None:
    async with claimed(ctx.db) as job:
        assert job
        await run_job(ctx, job, asyncio.Event())


async def publish(ctx: Context, text: str, promoted: bool) -> int:
    manifest = ctx.store.publish("space", lambda folder: (folder / "part").write_text(text) and None, {"encoder": "no"})
    return await register(ctx.db, "space", manifest, {"promoted": promoted, "reasons": [text]}, promoted)


def test_a_job_is_asked_for_and_read(client: httpx2.Client, service: Service) -> None:
    asked = client.post("/jobs", json={"kind": "space"})
    assert asked.status_code == 202
    job = asked.json()
    assert (job["status"], job["parameters"], job["log"]) == ("queued", {}, [])
    assert client.get(asked.headers["location"]).json() == job
    assert client.post("/jobs", json={"kind": "space", "parameters": {}}).json() == job
    listed = client.get("/jobs?limit=1").json()
    assert listed["items"] == [{name: value for name, value in job.items() if name != "log"}]
    older = client.get("/jobs", params={"cursor": listed["next"]}).json()["items"]
    assert job["job_id"] not in {one["job_id"] for one in older}
    service.run(run_next)
    ended = client.get(f"/jobs/{job['job_id']}").json()
    assert ended["status"] == "done"
    assert ended["progress"] == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/kind"),
        ({"kind": "bake"}, "/kind"),
        ({"kind": "train", "parameters": {"epochs": 3}}, "/parameters/epochs"),
        ({"kind": "train", "parameters": []}, "/parameters"),
        ({"kind": "train", "parameters": {"minutes": 3}}, "/parameters"),
        ({"kind": "train_encoder", "parameters": {"minutes": 0}}, "/parameters/minutes"),
        ({"kind": "train_encoder", "parameters": {"minutes": "3"}}, "/parameters/minutes"),
        ({"kind": "train_encoder", "parameters": {"lora": 1}}, "/parameters/lora"),
        ({"kind": "train_encoder", "parameters": {"epochs": 1}}, "/parameters/epochs"),
    ],
)
def test_work_that_nobody_knows_is_refused(client: httpx2.Client, body: dict[str, Any], pointer: str) -> None:
    assert problem_of(client.post("/jobs", json=body), 422)["errors"][0]["pointer"] == pointer


def test_tuning_the_encoder_has_parameters(client: httpx2.Client) -> None:
    asked = client.post("/jobs", json={"kind": "train_encoder", "parameters": {"minutes": 2, "lora": False}})
    assert asked.status_code == 202
    assert asked.json()["parameters"] == {"minutes": 2.0, "lora": False}
    assert client.post("/jobs", json={"kind": "train_encoder"}).json()["parameters"] == {}
    assert client.get("/models?kind=encoder").json()["items"] == []


def test_a_job_is_cancelled_once(client: httpx2.Client) -> None:
    job_id = client.post("/jobs", json={"kind": "train"}).json()["job_id"]
    cancelled = client.delete(f"/jobs/{job_id}")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    assert problem_of(client.delete(f"/jobs/{job_id}"), 409)["code"] == "job_ended"


def test_an_unknown_job_is_not_found(client: httpx2.Client) -> None:
    for answer in (client.get("/jobs/no"), client.delete("/jobs/no"), client.get("/jobs/no/events")):
        assert problem_of(answer, 404)["code"] == "job_unknown"


def test_a_job_is_watched_to_its_end(client: httpx2.Client, service: Service) -> None:
    job_id = client.post("/jobs", json={"kind": "space"}).json()["job_id"]
    with ThreadPoolExecutor(1) as beside:
        with client.stream("GET", f"/jobs/{job_id}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.iter_lines()
            name, first = _event(lines)
            assert (name, first["status"], "log" in first) == ("progress", "queued", False)
            running = beside.submit(service.run, run_next)
            while name == "progress":
                name, last = _event(lines)
            running.result()
        assert name == "end"
        assert last == client.get(f"/jobs/{job_id}").json()
        assert last["log"]


def _event(lines: Iterator[str]) -> tuple[str, dict[str, Any]]:
    fields: dict[str, str] = {}
    for line in lines:
        if not line and fields:
            break
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields["event"], json.loads(fields["data"])


def test_models_are_listed_promoted_and_gone(client: httpx2.Client, service: Service) -> None:
    first = service.run(lambda ctx: publish(ctx, "first", True))
    lost = service.run(lambda ctx: publish(ctx, "lost", False))
    page = client.get("/models?kind=space&limit=2").json()
    assert [(one["version"], one["live"]) for one in page["items"]] == [(lost, False), (first, True)]
    assert page["items"][0]["promoted_at"] is None
    assert page["items"][0]["verdict"] == {"promoted": False, "reasons": ["lost"]}
    assert page["items"][0]["about"] == {"encoder": "no"}
    rest = client.get("/models", params={"kind": "space", "cursor": page["next"]}).json()["items"]
    assert not {first, lost} & {one["version"] for one in rest}
    promoted = client.post(f"/models/{lost}/promotion")
    assert (promoted.status_code, promoted.json()["live"]) == (200, True)
    assert [one["live"] for one in client.get("/models?kind=space&limit=2").json()["items"]] == [True, False]
    root = service.app.state.context.store.root / "space"
    for part in root.glob("*/part"):
        if part.read_text() == "first":
            part.write_text("fir5t")
    assert problem_of(client.post(f"/models/{first}/promotion"), 409)["code"] == "model_gone"
    assert client.get("/models?kind=space&limit=2").json()["items"][0]["live"]


def test_an_unknown_model_is_not_found(client: httpx2.Client) -> None:
    assert problem_of(client.post("/models/999999/promotion"), 404)["code"] == "model_unknown"
    assert problem_of(client.post("/models/0/promotion"), 422)["errors"][0]["pointer"] == "{version}"
    assert problem_of(client.get("/models?kind=cake"), 422)["errors"][0]["pointer"] == "?kind"
