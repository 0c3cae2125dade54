"""Segments and topics on disk: what training wrote is what serving reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.profiles.people import People, standing_of
from app.profiles.state import State
from app.retrieval.people import load_people
from app.training.people import fit_people
from app.training.segments import fit_segments
from tests.spaces import no_space
from tests.unit import people_board as board


@pytest.fixture
def lines() -> list[board.Line]:
    return board.lines()


def test_what_was_learned_is_read_back(tmp_path: Path, lines: list[board.Line]) -> None:
    items, log = board.catalogue(), board.log_of(lines)
    fit_people(log, items, board.HALF_LIVES)(tmp_path)
    people, kinds = load_people(tmp_path), fit_segments(log, items)
    assert kinds is not None
    for user in (0, 39, 40, 99):
        state = board.state_of(lines, user)
        standing = standing_of(state, items, no_space(), board.HALF_LIVES, people)
        assert people.segment_of(state, board.leaves_of(state, items)) == kinds.of_user[user]
        assert standing.segment == kinds.words["names"][kinds.of_user[user]]
        assert set(" ".join(standing.topics).split()) & ({"bread", "milk"} if user < 40 else {"horror", "romance"})


def test_a_log_that_is_too_small_teaches_nothing_and_that_is_read_too(tmp_path: Path) -> None:
    log = board.log_of([(0, "0-0", "purchase", 1.0)])
    fit_people(log, board.catalogue(), board.HALF_LIVES)(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert load_people(tmp_path) == People()


@pytest.mark.parametrize("people", [None, People(), load_people(None)])
def test_without_a_model_nobody_has_a_segment(people: People | None, lines: list[board.Line]) -> None:
    state = board.state_of(lines, 0)
    standing = standing_of(state, board.catalogue(), no_space(), board.HALF_LIVES, people)
    assert (standing.segment, standing.topics) == (None, ())


def test_who_is_unknown_has_neither(tmp_path: Path, lines: list[board.Line]) -> None:
    fit_people(board.log_of(lines), board.catalogue(), board.HALF_LIVES)(tmp_path)
    standing = standing_of(State(), board.catalogue(), no_space(), board.HALF_LIVES, load_people(tmp_path))
    assert standing == (None, (), None)
