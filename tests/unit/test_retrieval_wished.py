"""Candidates for what was asked for by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.domain.edit import Edit
from app.retrieval import load_generators, wished
from app.retrieval.base import NOTHING, PLAIN, Scored, World
from app.retrieval.candidates import gather
from app.retrieval.query import wishes_of
from app.retrieval.select import only
from tests.unit import retrieval_board as board

EVEN = np.arange(0, 12, 2, dtype=np.int32)


def scored(rows: list[int], scores: list[float]) -> Scored:
    held = np.array(rows, dtype=np.int32), np.array(scores, dtype=np.float32)
    return Scored(*held, only(*held))


def test_the_best_allowed_by_the_word_of_all_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wished, "ENOUGH", 2)
    allowed = np.ones(12, dtype=np.bool_)
    allowed[4] = False
    query = replace(board.query(board.state(board.EVEN_USER), allowed, n=10), wished=(EVEN,))
    lists = [("slit", scored([2, 4, 6], [0.1, 0.8, 0.2])), ("trend", scored([0, 2, 8], [0.5, 0.3, 0.05]))]
    assert wished.wished(lists, query, {}).rows.tolist() == [0, 2]
    assert wished.wished(lists, query, {"trend": 0.1}).rows.tolist() == [2, 6]


@pytest.mark.parametrize("looked_at", [3, 100])
def test_of_very_many_the_popular_are_looked_at(monkeypatch: pytest.MonkeyPatch, looked_at: int) -> None:
    monkeypatch.setattr(wished, "ENOUGH", 3)
    monkeypatch.setattr(wished, "LOOKED_AT", looked_at)
    query = replace(board.query(board.state(board.EVEN_USER), n=10), wished=(EVEN,))
    popular = only(np.array([4, 6, 10], dtype=np.int32), np.array([0.1, 0.2, 0.3], dtype=np.float32))
    lists = [("trend", NOTHING._replace(of=popular)), ("slit", NOTHING)]
    assert wished.wished(lists, query, {}).rows.tolist() == [4, 6, 10]


def test_without_any_source_there_are_candidates_all_the_same() -> None:
    query = replace(board.query(board.state(())), wished=(EVEN, np.empty(0, dtype=np.int32)))
    assert wished.wished([], query, {}).rows.tolist() == EVEN.tolist()
    assert not len(wished.wished([], replace(query, allowed=np.zeros(12, dtype=np.bool_)), {}).rows)


def test_what_is_asked_for_stays_among_the_candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.retrieval.candidates.N_RANKED", 1)
    items, space = board.catalogue(), board.space()
    world = World(items, space, load_generators(board.artifact(tmp_path), items, space), "1")
    query = replace(board.query(board.state(board.EVEN_USER), n=1), wished=(np.array([9], dtype=np.int32),))
    fused = gather(world, query, PLAIN)
    assert set(fused.rows.tolist()) > {9}
    assert fused.sources[-1] == "wished"
    assert fused.chances.shape == fused.parts.shape == (len(fused.sources), len(fused.rows))


def test_a_wish_that_holds_does_not_fade_and_one_of_another_width_is_passed_over() -> None:
    raw = np.zeros(18, dtype=np.float16)
    raw[1] = 2.0
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    edits = [
        Edit("a", 1, (), "odd things", "odd", raw.tobytes(), long_ago),
        Edit("b", 2, (), "other", "other", b"\x00\x00", long_ago),
        Edit("c", 3, (), "waits", "waits", None, long_ago),
    ]
    (wish,) = wishes_of(edits, board.space())
    assert (wish.text, wish.type, wish.weight) == ("odd", "wish", 1.0)
    assert wish.vector[1] == pytest.approx(1.0)
