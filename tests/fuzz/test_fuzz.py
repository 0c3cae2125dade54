"""Thousands of mutants of every call: no 5xx, no hang, every refusal a known problem, what is taken reads back.

`FUZZ_SEED=2 FUZZ_MUTANTS=200000` looks elsewhere and for longer. What is found goes into `found`, as small as it gets.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.campaign import Outcome, replay, run
from tests.fuzz.found import FOUND
from tests.fuzz.mutants import Mutants
from tests.fuzz.service import HEADERS, Server

SEED = int(os.environ.get("FUZZ_SEED", "1"))
N_MUTANTS = int(os.environ.get("FUZZ_MUTANTS", "20000"))
# What mutants leave behind: the items they put, the states of users, remembered vectors, all of it bounded.
MOST_GROWTH_MB = 300


@pytest.mark.parametrize("fault", FOUND)
def test_what_was_found_once_is_mended(server: Server, fault: str) -> None:
    n_before = server.log.stat().st_size
    outcome = asyncio.run(replay(server.where, fault, FOUND[fault], HEADERS))
    assert not outcome.findings, outcome.findings[0]
    assert b'"level": "error"' not in server.log.read_bytes()[n_before:]


def test_mutants_of_every_call_are_answered_as_promised(
    server: Server, document: dict[str, Any], tmp_path: Path
) -> None:
    before_mb = server.rss_mb()
    outcome = asyncio.run(run(server.where, document, SEED, N_MUTANTS, HEADERS))
    growth_mb = server.rss_mb() - before_mb
    for finding in outcome.findings:
        (tmp_path / f"{finding.number}.http").write_bytes(finding.raw)
    print(f"\nseed {SEED}: {outcome}; memory +{growth_mb:.0f} MB")
    assert not outcome.findings, "\n".join([f"whole in {tmp_path}", *map(str, outcome.findings[:20])])
    assert outcome.n_sent == N_MUTANTS
    assert outcome.n_read_back > N_MUTANTS / 50
    assert growth_mb < MOST_GROWTH_MB
    assert b'"level": "error"' not in server.log.read_bytes()
    _assert_all_were_reached(Mutants(document, SEED), outcome)


def _assert_all_were_reached(mutants: Mutants, outcome: Outcome) -> None:
    for operation in mutants.operations:
        assert outcome.answered(operation.name, 2, 3, 4) > N_MUTANTS / 1_000, operation.name
        assert outcome.answered(operation.name, 4), operation.name
