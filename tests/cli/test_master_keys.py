"""The commands on a database that is encrypted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vault import KEY, OTHER_KEY, encoded, everything, found_in

from .portrait import run

USER = "somebody@example.org"
LINES = [
    {"kind": "user", "format": 1, "user_id": USER, "attributes": {"city": "zanzibar"}, "consent": True},
    {"kind": "merge", "from": "session:qz9", "merged_at": "2026-11-01T10:00:00Z"},
    {"kind": "behavior", "user_id": USER, "behavior_id": "b1", "type": "search", "text": "xylophone quartet"},
    {"kind": "end", "behaviors": 1},
]
SECRETS = {USER, "session:qz9", "zanzibar", "xylophone"}


@pytest.fixture
def exported(tmp_path: Path) -> str:
    path = tmp_path / "somebody.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return str(path)


def test_import_doctor_verify_redrive_and_unflag_work_on_encrypted_users(
    tmp_path: Path, database_url: str, exported: str
) -> None:
    settings = {"database_url": database_url, "data_dir": tmp_path / "data", "master_key": encoded(KEY)}
    for words in (("import", exported), ("verify",), ("redrive",), ("unflag", USER)):
        done = run(tmp_path, *words, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
    assert found_in(everything(database_url), SECRETS) == set()
    assert "users are stored encrypted" in run(tmp_path, "doctor", **settings).stdout
    rotated = run(
        tmp_path,
        "keys",
        "rotate-master",
        **settings | {"master_key": encoded(OTHER_KEY), "master_key_old": encoded(KEY)},
    )
    assert "The keys of 2 users" in rotated.stdout + rotated.stderr
    done = run(tmp_path, "doctor", **settings)
    assert done.returncode == 1
    assert "another master key" in done.stdout


def test_a_database_in_plain_text_is_encrypted_once_and_wants_its_key_from_then_on(
    tmp_path: Path, database_url: str, exported: str
) -> None:
    settings = {"database_url": database_url, "data_dir": tmp_path / "data"}
    assert run(tmp_path, "import", exported, **settings).returncode == 0
    assert found_in(everything(database_url), SECRETS) == SECRETS
    key = run(tmp_path, "keys", "master").stdout.strip()
    done = run(tmp_path, "encrypt", **settings, master_key=key)
    assert "2 users are stored encrypted" in done.stdout + done.stderr
    assert found_in(everything(database_url), SECRETS) == set()
    assert run(tmp_path, "verify", **settings, master_key=key).returncode == 0
    assert "no master key is set" in run(tmp_path, "verify", **settings).stderr


def test_a_master_key_that_is_none_is_named_and_not_shown(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", data_dir=tmp_path, master_key="sesame")
    assert "PORTRAIT_MASTER_KEY" in done.stdout
    assert "sesame" not in done.stdout + done.stderr
