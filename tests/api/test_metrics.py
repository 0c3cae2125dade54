"""What is counted, and that every name in `ops/` is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from .wire import wait_for

OPS = Path(__file__).parents[2] / "ops"
DASHBOARD = json.loads((OPS / "grafana-dashboard.json").read_text())
ALERTS = yaml.safe_load((OPS / "prometheus-alerts.yaml").read_text())
SHOWN = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
WATCHED = [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]


def numbers(client: httpx2.Client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    told = client.get("/metrics")
    assert told.status_code == 200
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(told.text)
        for sample in family.samples
    }


def grown(client: httpx2.Client, before: dict[object, float], name: str, **labels: str) -> float:
    key = (name, frozenset(labels.items()))
    return numbers(client).get(key, 0.0) - before.get(key, 0.0)


def test_requests_are_counted_by_route_and_status(client: httpx2.Client) -> None:
    before = numbers(client)
    client.get("/users/metered-nobody/profile")
    client.get("/users/metered-other/profile")
    client.get("/nowhere-at-all")
    route = {"method": "GET", "route": "/users/{user_id}/profile"}
    assert grown(client, before, "portrait_requests_total", **route, status="404") == 2
    assert grown(client, before, "portrait_request_seconds_count", **route) == 2
    assert grown(client, before, "portrait_requests_total", method="other", route="none", status="404") == 1
    assert grown(client, before, "portrait_problems_total", code="user_unknown") == 2


def test_behaviors_are_counted_by_what_became_of_them(client: httpx2.Client) -> None:
    before = numbers(client)
    good = {"user_id": "metered", "item_id": "m1", "type": "view", "behavior_id": "metered-1"}
    assert (
        client.post("/behaviors", json=[good, {**good, "behavior_id": "metered-2"}, {"type": "view"}]).status_code
        == 207
    )
    assert client.post("/behaviors", json=good).json()["duplicates"] == 1
    for outcome, n in (("accepted", 2), ("duplicate", 1), ("rejected", 1)):
        assert grown(client, before, "portrait_behaviors_total", outcome=outcome) == n


def test_slates_are_counted_by_what_they_lack(client: httpx2.Client) -> None:
    before = numbers(client)
    client.get("/users/metered-unknown/recommendations")
    name = "portrait_recommendations_total"
    assert grown(client, before, name, fallback_reason="user_unknown", degraded="false") == 1


def test_the_world_the_queues_and_the_process_are_told_of(client: httpx2.Client) -> None:
    client.put("/items/metered-item", json={"title": "Metered"})
    server = frozenset({("process", "server")})
    wait_for(lambda: numbers(client).get(("portrait_items", server), 0) > 0)
    now = numbers(client)
    assert now["portrait_process_memory_bytes", server] > 10_000_000
    assert now["portrait_world_followed_timestamp_seconds", server] > 1_700_000_000
    assert now["portrait_checkpoints_waiting", server] >= 0
    assert now["portrait_texts_waiting", server] >= 0
    assert now["portrait_database_up", frozenset()] == 1
    assert now["portrait_jobs", frozenset({("status", "failed")})] >= 0


@pytest.mark.parametrize("expression", SHOWN + WATCHED)
def test_every_metric_in_ops_is_told(client: httpx2.Client, expression: str) -> None:
    told = client.get("/metrics").text
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", told, re.M))
    known = set(types)
    for name, kind in types.items():
        known |= {f"{name}_{part}" for part in ("bucket", "count", "sum")} if kind == "histogram" else set()
    used = set(re.findall(r"\bportrait_\w+", expression))
    assert used
    assert used <= known


def test_labels_in_ops_are_labels_of_theirs(client: httpx2.Client) -> None:
    client.post("/behaviors", json={"user_id": "metered", "item_id": "m1", "type": "view"})
    client.get("/users/metered/recommendations")
    client.get("/users/metered-nobody/profile")
    labels: dict[str, set[str]] = {}
    for name, held in numbers(client):
        labels.setdefault(name, set()).update(label for label, _ in held)
    for expression in SHOWN + WATCHED:
        for name, inside in re.findall(r'\b(portrait_\w+)\{((?:[^}"]|"[^"]*")*)\}', expression):
            assert set(re.findall(r'(\w+)(?:=|!=|=~|!~)"', inside)) <= labels[name], expression


def test_every_alert_says_what_to_do() -> None:
    names = set()
    for group in ALERTS["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["summary"]
            assert rule["annotations"]["description"]
            assert rule["labels"]["severity"] in {"page", "ticket"}
            names.add(rule["alert"])
    assert len(names) == len(WATCHED)
