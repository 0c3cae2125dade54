"""What a user types, and what is said when it goes wrong."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.portrait import run

HEAVY = {"torch", "transformers", "sentence_transformers", "faiss", "duckdb", "pandas", "sklearn", "scipy", "numpy"}
HEAVY |= {"fastapi", "sqlalchemy", "psycopg", "pydantic", "alembic", "implicit", "pyarrow"}


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    look = (
        "import runpy, sys\n"
        "sys.argv = ['portrait', '--help']\n"
        "try: runpy.run_module('app', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", look], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "serve" in done.stdout
    assert not HEAVY & {name.split(".")[0] for name in done.stderr.split()}


def test_a_failure_is_one_sentence_and_one_hint(tmp_path: Path) -> None:
    done = run(tmp_path, "import", "nowhere.csv", data_dir=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "✗ There is no file nowhere.csv.",
        "  Give the path of a CSV, JSONL or Parquet file.",
    ]


@pytest.mark.parametrize("words", [("--debug", "import", "nowhere.csv"), ("import", "nowhere.csv", "--debug")])
def test_debug_shows_the_traceback_wherever_it_stands(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, *words, data_dir=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_setting_that_does_not_hold_is_named_and_its_value_is_not(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", data_dir=tmp_path, port="sesame")
    assert done.returncode == 1
    assert "PORTRAIT_PORT" in done.stdout
    assert "sesame" not in done.stdout + done.stderr


def test_openapi_is_printed_as_json(tmp_path: Path) -> None:
    done = run(tmp_path, "openapi", data_dir=tmp_path)
    assert "/behaviors" in json.loads(done.stdout)["paths"]


def test_a_taken_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(tmp_path, "serve", "--port", port, data_dir=tmp_path / "data")
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "data").exists()


def test_without_a_key_no_network_is_served(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", "--host", "0.0.0.0", data_dir=tmp_path / "data")
    assert done.returncode == 1
    assert "PORTRAIT_API_KEYS" in done.stderr


# --- with a database


def test_db_upgrade_tells_what_it_did_and_may_be_repeated(tmp_path: Path, empty_database_url: str) -> None:
    first = run(tmp_path, "db", "upgrade", database_url=empty_database_url)
    assert first.stdout.startswith("empty -> ")
    assert run(tmp_path, "db", "upgrade", database_url=empty_database_url).stdout == "Already up to date.\n"


def test_doctor_is_content_with_a_good_database(tmp_path: Path, database_url: str) -> None:
    done = run(tmp_path, "doctor", database_url=database_url, data_dir=tmp_path)
    assert done.returncode == 0, done.stdout
    assert {line.split()[1] for line in done.stdout.splitlines() if line[0] in "✓!"} >= {
        "settings",
        "disk",
        "port",
        "encoder",
        "database",
        "durability",
        "encryption",
        "migrations",
        "index",
        "model",
    }


def test_doctor_names_the_fix_for_missing_migrations(tmp_path: Path, empty_database_url: str) -> None:
    done = run(tmp_path, "doctor", database_url=empty_database_url, data_dir=tmp_path)
    assert done.returncode == 1
    assert "✗ migrations" in done.stdout
    assert "portrait db upgrade" in done.stdout


def test_doctor_names_a_database_that_is_away(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", database_url="postgresql://nobody@127.0.0.1:1/none", data_dir=tmp_path)
    assert done.returncode == 1
    assert "✗ database" in done.stdout
    assert "✓ encoder" in done.stdout


def test_an_import_shows_the_mapping_and_asks_before_it_stores(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "log.csv").write_text("customer,sku,when\n1,a,2020-01-01\n")
    refused = run(tmp_path, "import", "log.csv", typed="n\n", database_url=database_url)
    assert "customer" in refused.stdout
    assert "occurred_at" in refused.stdout
    assert "Nothing was imported" in refused.stdout
    agreed = run(tmp_path, "import", "log.csv", typed="y\n", database_url=database_url)
    assert "behaviours: 1 new or changed, 0 known before, 0 refused" in agreed.stdout
    again = run(tmp_path, "import", "log.csv", "--yes", database_url=database_url)
    assert "behaviours: 0 new or changed, 1 known before, 0 refused" in again.stdout


def test_a_dry_run_needs_no_database_and_reports(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item,time\n1,a,2020-01-01\n1,b,2999-01-01\n")
    done = run(tmp_path, "import", "log.csv", "--dry-run", database_url="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 0
    assert "1 good, 1 refused" in done.stdout
    assert "time_out_of_window" in done.stdout
    assert json.loads((tmp_path / "files.rejects.jsonl").read_text())["line"] == 3
