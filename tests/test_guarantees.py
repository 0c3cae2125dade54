"""GUARANTEES.md promises only what a test shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINKS = re.findall(r"\[(test_\w+)\]\(([\w/.]+)\)", (ROOT / "GUARANTEES.md").read_text())


@pytest.mark.parametrize(("name", "path"), LINKS)
def test_the_named_test_is_there(name: str, path: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.M)


def test_every_promise_names_a_test() -> None:
    rows = [line for line in (ROOT / "GUARANTEES.md").read_text().splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| promise")]
    assert len(promises) > 20
    assert all("](tests/" in promise for promise in promises)
