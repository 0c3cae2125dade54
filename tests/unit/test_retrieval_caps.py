"""Nobody's word grows with their diligence: what is learned from everybody counts a user once per item and day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from app.profiles.decay import DAY_S
from app.retrieval import ease, neighbours, segments, slit, text_map, trend
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.retrieval.caps import once_a_day
from app.training.lessons import _counted
from tests.unit import retrieval_board as board


def shouted(log: Log, times: int = 50) -> Log:
    """The same log in which user 0 says everything many times on the same day: whatever is said once weighs as much."""
    extra = np.flatnonzero(log.users == 0)
    places = np.sort(np.concatenate([np.arange(len(log.at)), np.repeat(extra, times)]))
    return log.take(places)


def map_of(log: Log) -> Arrays:
    return text_map.fit(log, board.space().vectors(np.arange(board.N_ITEMS, dtype=np.int32)), "v")


def by_segment(log: Log) -> Arrays:
    return segments.fit(log, (np.arange(board.N_USERS) // 4).astype(np.int32))


FITS: dict[str, Callable[[Log], Arrays]] = {
    "trend": trend.fit, "neighbours": neighbours.fit, "ease": ease.fit, "slit": slit.fit, "lines": slit.fit_lines,
    "text_map": map_of, "segment": by_segment,
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_who_says_it_fifty_times_a_day_is_heard_once(name: str) -> None:
    calm, loud = (FITS[name](log) for log in (board.log(), shouted(board.log())))
    left_out = "sharpness"  # judged on the newest lines, which are other ones in a longer log
    assert calm.keys() - {left_out}
    for key in calm.keys() - {left_out}:
        np.testing.assert_allclose(loud[key], calm[key], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_on_another_day_it_is_heard_again(name: str) -> None:
    """The test above would hold too of a fit that hears nothing."""
    log = board.log()
    other = replace(log, items=np.where(log.users == 0, 1, log.items).astype(np.int32))
    calm, changed = FITS[name](log), FITS[name](other)
    assert any(not np.array_equal(calm[key], changed[key]) for key in calm)


def test_the_ranker_is_asked_about_what_counts_alone() -> None:
    log = shouted(board.log())
    assert _counted(log).sum() == len(board.log().at)
    against = replace(log, weights=-log.weights)
    assert not _counted(against).any()


def test_the_first_of_a_day_counts_and_an_empty_log_is_none() -> None:
    log = board.log()
    assert len(once_a_day(log.take(slice(0, 0)))) == 0
    twice = Log(
        users=np.zeros(3, np.int32), items=np.zeros(3, np.int32), at=np.array([0.0, DAY_S - 1, DAY_S]),
        weights=np.ones(3, np.float32), types=np.zeros(3, np.int16), n_users=1, item_ids=["a"], type_names=["view"],
    )  # fmt: skip
    assert once_a_day(twice).tolist() == [0, 2]
