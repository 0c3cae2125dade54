"""The console's small words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.console import words

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(1, "just now"), (40, "40 s ago"), (-120, "in 2 min"), (7_200, "2 h ago"), (86_400 * 9, "9 d ago")],
)
def test_times_are_told_by_their_distance(seconds: int, told: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == told


def test_what_is_long_ago_is_a_date() -> None:
    assert words.ago(NOW - timedelta(days=90), NOW) == "2025-12-01"


@pytest.mark.parametrize(("share", "told"), [(0, "0 %"), (0.004, "under 1 %"), (0.126, "13 %"), (1, "100 %")])
def test_shares(share: float, told: str) -> None:
    assert words.percent(share) == told


@pytest.mark.parametrize(
    ("share", "told"), [(0, "< 0.1 %"), (0.0009, "< 0.1 %"), (0.0042, "0.4 %"), (0.1, "10 %"), (1, "100 %")]
)
def test_chances_are_told_however_small(share: float, told: str) -> None:
    assert words.chance(share) == told


def test_bars_begin_in_the_middle() -> None:
    assert words.widths({"for": 2.0, "against": -1.0}) == {"for": (50.0, 50.0), "against": (25.0, 25.0)}
    assert words.widths({"nothing": 0.0}) == {"nothing": (50.0, 0.0)}
    assert words.widths({}) == {}


def test_figures_are_tables_by_policy_the_best_first() -> None:
    verdict = {"figures": {"new, champion": 0.1, "new, slit": 0.2, "repeats, slit": 0.3}}
    assert words.figures_by_policy(verdict) == {"new": [("slit", 0.2), ("champion", 0.1)], "repeats": [("slit", 0.3)]}
    assert words.figures_by_policy({}) == {}


def test_an_id_with_signs_of_an_address_is_one_step_of_a_path() -> None:
    assert words.path_to("users", "a?b#c%d e") == "/console/users/a%3Fb%23c%25d%20e"
