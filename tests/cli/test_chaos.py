"""Exactly once under fire; and the checker that says so finds what is planted."""

from __future__ import annotations

import random
import re
from itertools import islice
from pathlib import Path

from app.cli.chaos.clients import N_CLIENTS, facts
from app.cli.chaos.ledger import Fact, Ledger, compare, miscounted
from tests.cli.portrait import run
from tests.vault import KEY, encoded


def written(n: int = 50) -> tuple[Ledger, list[Fact]]:
    """A ledger of `n` acknowledged behaviours, and all of them as they are stored."""
    ledger, batch = Ledger(), tuple(islice(facts(random.Random(1)), n))
    ledger.send(batch)
    ledger.acknowledge(batch)
    return ledger, list(batch)


def test_the_checker_is_content_with_what_is_right() -> None:
    ledger, stored = written()
    verdict = compare(ledger, reversed(stored))
    assert (verdict.good, verdict.n_acknowledged, verdict.n_stored) == (True, 50, 50)
    assert miscounted(ledger, ledger.counts()) == []


def test_the_checker_finds_a_lost_row() -> None:
    ledger, stored = written()
    verdict = compare(ledger, stored[:20] + stored[21:])
    assert (verdict.lost, verdict.doubled, verdict.unexpected, verdict.good) == (1, 0, 0, False)


def test_the_checker_finds_a_doubled_row() -> None:
    ledger, stored = written()
    for twin in (stored[7], stored[7]._replace(behavior_id="another")):
        verdict = compare(ledger, [*stored, twin])
        assert (verdict.lost, verdict.doubled, verdict.unexpected, verdict.good) == (0, 1, 0, False)


def test_the_checker_finds_what_nobody_sent_and_what_was_changed() -> None:
    ledger, stored = written()
    stranger = next(facts(random.Random(2)))
    verdict = compare(ledger, [*stored, stranger._replace(user_id="nobody")])
    assert (verdict.lost, verdict.doubled, verdict.unexpected) == (0, 0, 1)
    verdict = compare(ledger, [stored[0]._replace(type="return"), *stored[1:]])
    assert (verdict.lost, verdict.doubled, verdict.unexpected) == (1, 0, 1)


def test_what_was_sent_and_not_acknowledged_may_be_stored_or_not() -> None:
    ledger, stored = written()
    more = tuple(one._replace(user_id="late") for one in stored)
    ledger.send(more)
    assert compare(ledger, stored).good
    assert compare(ledger, [*stored, *more]).good


def test_a_profile_that_counts_otherwise_is_found() -> None:
    ledger, stored = written()
    counts = ledger.counts()
    user_id = stored[3].user_id
    counts[user_id][stored[3].type] += 1
    assert miscounted(ledger, counts) == [user_id]
    del counts[user_id]
    assert miscounted(ledger, counts) == [user_id]


def test_everything_acknowledged_is_stored_once_whatever_is_killed(tmp_path: Path) -> None:
    """Of encrypted users, which is the longer way in and out."""
    done = run(tmp_path, "chaos", "--seconds", "5", "--behaviors", "1000", "--seed", "4", master_key=encoded(KEY))
    assert done.returncode == 0, done.stdout + done.stderr
    told = dict(re.split(r" {2,}", line.strip()) for line in done.stdout.splitlines()[1:-1])
    assert int(told["acknowledged"].replace(",", "")) >= 1000
    assert told["acknowledged"] == told["stored"]
    assert told["lost"] == told["doubled"] == told["unexpected"] == told["profiles that count otherwise"] == "0"
    assert int(told["retries"]) >= N_CLIENTS  # it was under fire indeed
    assert "postgres" in told["killed"]
    assert "server" in told["killed"]
