"""What can be folded, and how far two states are apart."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.behavior import Interaction
from app.profiles.decay import HalfLives
from app.profiles.distance import CLOSE, distance
from app.profiles.fold import fold
from app.profiles.sound import TIME, VALUE, VECTOR, why_unsound
from app.profiles.state import State, Tally

VECTOR_BYTES = np.ones(4, dtype=np.float16).tobytes()


@pytest.mark.parametrize(
    ("at", "value", "embedding", "reason"),
    [
        (0.0, None, None, None),
        (-6e10, -3.5, VECTOR_BYTES, None),
        (inf, None, None, TIME),
        (-inf, None, None, TIME),
        (nan, None, None, TIME),
        (1e12, None, None, TIME),
        (0.0, nan, None, VALUE),
        (0.0, -inf, None, VALUE),
        (0.0, None, VECTOR_BYTES + b"x", VECTOR),
        (0.0, None, b"", VECTOR),
    ],
)
def test_a_row_is_sound_or_says_why_not(
    at: float, value: float | None, embedding: bytes | None, reason: str | None
) -> None:
    assert why_unsound(at, value, embedding) == reason


@given(st.floats(), st.floats() | st.none(), st.binary(max_size=8) | st.none())
def test_whatever_is_sound_folds(at: float, value: float | None, embedding: bytes | None) -> None:
    if why_unsound(at, value, embedding) is None:
        rows = [Interaction(1, "b", "view", at, 0.5, "i", "words", embedding)]
        assert fold(State(), rows, HalfLives()).counts == {"view": 1}


def test_states_are_as_far_apart_as_their_furthest_numbers() -> None:
    one = State(seq=3, counts={"view": 2}, items={"i": Tally(n=2, long=1.5)})
    assert distance(one, State(seq=3, counts={"view": 2}, items={"i": Tally(n=2, long=1.5)})) == 0
    assert 0 < distance(one, State(seq=3, counts={"view": 2}, items={"i": Tally(n=2, long=1.5 + 1e-12)})) <= CLOSE
    assert distance(one, State(seq=3, counts={"view": 2}, items={"i": Tally(n=2, long=1.6)})) > CLOSE
    assert distance(one, State(seq=3, counts={"view": 3}, items={"i": Tally(n=2, long=1.5)})) == inf
    assert distance(one, State(seq=3, counts={"view": 2}, items={"j": Tally(n=2, long=1.5)})) == inf
    assert distance(one, State(seq=3, counts={"view": 2}, items={"i": Tally(n=2, long=nan)})) == inf
