"""Wilson's interval, against another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from app.evaluation.rates import wilson


@given(st.integers(1, 5_000), st.data())
def test_it_is_the_score_interval(n: int, data: st.DataObject) -> None:
    n_hits = data.draw(st.integers(0, n))
    found = wilson(n_hits, n)
    assert found is not None
    expected = binomtest(n_hits, n).proportion_ci(0.95, method="wilson")
    assert found == pytest.approx((n_hits / n, expected.low, expected.high), abs=2e-6)
    assert 0 <= found.low <= found.rate <= found.high <= 1


def test_of_nothing_nothing_is_said() -> None:
    assert wilson(0, 0) is None
