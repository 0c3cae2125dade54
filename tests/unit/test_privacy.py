"""Pseudonyms, signatures, and what may be stored of whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.behavior import Behavior
from app.domain.standing import Erased, Standing
from app.privacy.admit import refusal
from app.privacy.pseudonyms import is_genuine, mark_of, pseudonym, signed

AT = datetime(2026, 11, 24, tzinfo=UTC)
OLD = Behavior("u", "b", "view", AT, item_id="i")
NEW = replace(OLD, occurred_at=AT + timedelta(seconds=1))


def test_a_pseudonym_depends_on_the_secret_and_on_every_id() -> None:
    assert pseudonym("s", "ann") == pseudonym("s", "ann")
    assert len({pseudonym(secret, user) for secret in ("s", "t") for user in ("ann", "Ann", "ann ", "ä")}) == 8
    assert b"ann" not in pseudonym("s", "ann")


def test_marks_fit_into_64_bits_and_are_no_pseudonyms() -> None:
    marks = [mark_of("s", f"b{n}") for n in range(1_000)]
    assert len(set(marks)) == 1_000
    assert all(-(2**63) <= mark < 2**63 for mark in marks)
    assert min(marks) < 0 < max(marks)
    assert mark_of("s", "ann").to_bytes(8, "big", signed=True) != pseudonym("s", "ann")[:8]


def test_a_receipt_is_genuine_until_something_changes() -> None:
    receipt = signed("s", {"user": "x", "deleted": {"a": 1, "b": 2}})
    assert is_genuine("s", receipt)
    assert is_genuine("s", dict(reversed(receipt.items())))
    for other in (receipt | {"user": "y"}, receipt | {"signature": ""}, receipt | {"more": 1}, {}):
        assert not is_genuine("s", other)
    assert not is_genuine("t", receipt)


@pytest.mark.parametrize(
    ("behavior", "refused"),
    [
        (OLD, True),
        (NEW, False),
        (replace(NEW, behavior_id="marked"), True),
        (replace(OLD, timed=False), False),
        (replace(OLD, timed=False, behavior_id="marked"), True),
        (replace(OLD, timed=False, behavior_id=""), False),
    ],
)
def test_after_an_erasure_only_what_is_new_is_admitted(behavior: Behavior, refused: bool) -> None:
    standing = Standing("u", erased=Erased(AT, 7, frozenset({mark_of("s", "marked")})))
    fault = refusal(standing, behavior, "s")
    assert (fault.code if fault else None) == ("user_erased" if refused else None)


def test_whoever_is_being_erased_or_does_not_consent_is_not_stored() -> None:
    assert refusal(Standing("u"), OLD, "s") is None
    for standing, code in ((Standing("u", consent=False), "consent_off"), (Standing("u", erasing=True), "user_erased")):
        fault = refusal(standing, NEW, "s")
        assert fault is not None
        assert (fault.code, fault.pointer) == (code, "/user_id")
