"""Training from the command line, with a service and without one, and what may be done with the outcome."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from app.bootstrap import open_context
from app.services.embed_texts import embed_texts
from app.settings import Settings
from tests.cli.portrait import call, environment, run, serving, wait_for
from tests.unit.encoder_board import items, log

PURCHASES = [(f"u{user}", f"i{(user + step) % 9}", step) for user in range(12) for step in range(6)]


def version_in(text: str) -> int:
    found = re.search(r"Version (\d+)", text)
    assert found, text
    return int(found[1])


def live_in(listed: str) -> list[int]:
    return [int(line.split()[0]) for line in listed.splitlines() if " live " in line]


def test_without_a_service_it_trains_here_and_can_be_rolled_back(tmp_path: Path, database_url: str) -> None:
    where: dict[str, str | Path] = {"database_url": database_url, "data_dir": tmp_path}
    nothing = run(tmp_path, "train", **where)
    assert "Nothing to learn from" in nothing.stdout, nothing.stderr
    assert "No model yet" in run(tmp_path, "models", "list", **where).stdout
    lines = [f"{user},{item},2026-01-{1 + step:02}\n" for user, item, step in PURCHASES]
    (tmp_path / "log.csv").write_text("user,item,time\n" + "".join(lines))
    assert run(tmp_path, "import", "log.csv", "--map", "type=purchase", "--yes", **where).returncode == 0
    first = version_in(run(tmp_path, "train", **where).stdout)
    refused = run(tmp_path, "models", "rollback", **where)
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (1, "✗ No earlier version of generators has served.")
    second = version_in(run(tmp_path, "train", **where).stdout)
    assert run(tmp_path, "models", "promote", str(second), **where).returncode == 0
    assert live_in(run(tmp_path, "models", "list", **where).stdout) == [second]
    assert version_in(run(tmp_path, "models", "rollback", **where).stdout) == first
    assert live_in(run(tmp_path, "models", "list", "--kind", "generators", **where).stdout) == [first]
    assert "No model has this version" in run(tmp_path, "models", "promote", "999", **where).stderr


def test_an_encoder_is_tuned_here_and_says_how_it_serves(tmp_path: Path, database_url: str) -> None:
    where: dict[str, str | Path] = {"database_url": database_url, "data_dir": tmp_path}
    assert "encoder" in run(tmp_path, "train", "--help").stdout
    assert run(tmp_path, "train", "encoder", "--minutes", "0").returncode == 2
    refused = run(tmp_path, "train", "encoder", "--minutes", "0.1", **where)
    assert refused.returncode == 1
    assert "✗ No item has a text to tune an encoder by." in refused.stderr.splitlines()
    lines = log()
    rows = zip(lines.users.tolist(), lines.items.tolist(), lines.at.tolist(), strict=True)
    (tmp_path / "log.csv").write_text("user,item,time\n" + "".join(f"u{u},i{i},{at:.0f}\n" for u, i, at in rows))
    titles = "".join(f"{item.item_id},{item.title}\n" for item in items())
    (tmp_path / "items.csv").write_text("item_id,title\n" + titles)
    words = ("log.csv", "items.csv", "--map", "type=purchase", "--yes")
    assert run(tmp_path, "import", *words, **where).returncode == 0
    embed(database_url)
    told = run(tmp_path, "train", "encoder", "--minutes", "0.1", **where)
    assert "new items, text map" in told.stdout, told.stderr
    version = re.search(r"Encoder version (\d+)", told.stdout)
    assert version, told.stdout
    promoted = run(tmp_path, "models", "promote", version[1], **where)
    folder = re.search(r"^PORTRAIT_ENCODER_MODEL=(.+)$", promoted.stdout, re.MULTILINE)
    assert folder, promoted.stdout
    assert (Path(folder[1]) / "model.safetensors").exists()


def embed(url: str) -> None:
    """What the jobs process does: vectors for all items."""

    async def work() -> None:
        async with open_context(Settings(database_url=url, _env_file=None)) as ctx:
            while not ctx.encoder.ready:  # noqa: ASYNC110 - it loads in a thread
                await asyncio.sleep(0.05)
            while await embed_texts(ctx):
                pass

    asyncio.run(work())


def test_a_running_service_does_it(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, port):
        wait_for(port)
        sent = [{"user_id": user, "item_id": item, "type": "purchase"} for user, item, _ in PURCHASES]
        assert call(port, "/behaviors", sent)["accepted"] == len(sent)
        queued = run(tmp_path, "train", "--no-wait", data_dir=tmp_path / "data")
        job_id = re.search(r"job (\w+);", queued.stdout)
        assert job_id, queued.stderr
        until = time.monotonic() + 60
        while (job := call(port, f"/jobs/{job_id[1]}"))["ended_at"] is None:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert job["status"] == "done", job
        done = run(tmp_path, "train", data_dir=tmp_path / "data")
        version = version_in(done.stdout)
        assert version > job["result"]["version"]
        assert version in {model["version"] for model in call(port, "/models?kind=generators")["items"]}


# `portrait train`, with work that goes on until it is told to stop.
_ENDLESS = """
import asyncio, sys, time
from app.cli import main
from app.jobs import run
def turn(progress):
    while True:
        progress(0.1, "turn")
        time.sleep(0.01)
async def endless(ctx, progress):
    await asyncio.to_thread(turn, progress)
run.WORK["train"] = endless
sys.argv = ["portrait", "train"]
main()
"""


def test_ctrl_c_cancels_what_runs_here(tmp_path: Path, database_url: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", _ENDLESS], env=environment(database_url=database_url, data_dir=tmp_path)
    )
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            until = time.monotonic() + 60
            while connection.execute("SELECT 1 FROM jobs WHERE stage = 'turn'").fetchone() is None:
                assert time.monotonic() < until
                time.sleep(0.1)
            child.send_signal(signal.SIGINT)
            assert child.wait(60) == 130  # torch may still be on its way in
            assert connection.execute("SELECT status FROM jobs").fetchall() == [("cancelled",)]
    finally:
        child.kill()
        child.wait()
