"""What is said of an item that did not become a candidate is what its sources say."""

from __future__ import annotations

import pytest

from app.domain.recommendation import Wish
from app.domain.why import SourceWord, Why
from app.services.why_words import in_words

TOGETHER = "It is not among the best of all sources together; "


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ({}, "No source had it among its best; none had a word on it."),
        ({"ease": SourceWord(0.1, None), "slit": SourceWord(0.2, None)}, "`slit` gave it the best chance."),
        ({"ease": SourceWord(0.3, None), "trend": SourceWord(0.1, 22)}, TOGETHER + "`trend` alone had it at 22."),
        ({"slit": SourceWord(0.3, 40), "trend": SourceWord(0.1, 22)}, TOGETHER + "`trend` alone had it at 22."),
    ],
)
def test_no_candidate(sources: dict[str, SourceWord], told: str) -> None:
    assert in_words(Why("rec", "item", "Item", "candidates", "", sources=sources), Wish()).endswith(told)
