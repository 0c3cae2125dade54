"""From the log as the database copies it to fitted arrays on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from app.ingest.weigh import Weights
from app.retrieval import neighbours, trend
from app.retrieval.artifact import Positions, read_arrays
from app.training.dataset import read_log
from tests.unit import retrieval_board as board

CSV = b"""ann,i1,view,1000.5,
bob,"i,2",rating,1001,5
ann,i3,rating,1002,1
cy,i1,impression,1003,
bob,i1,purchase,1004.25,
ann,"i""4\nnew line",purchase,1005,2.5
dan,i1,never heard of,1006,
"""


def test_only_what_speaks_for_an_item_is_wanted() -> None:
    whole = read_log(CSV, Weights())
    log = whole.wanted()
    assert len(whole.at) == 7
    assert [log.item_ids[item] for item in log.items] == ["i1", "i,2", "i1", 'i"4\nnew line']
    assert log.at.tolist() == [1000.5, 1001, 1004.25, 1005]
    assert log.weights.tolist() == pytest.approx([0.2, 1.0, 1.0, 1.0])
    assert log.users.tolist() == [log.users[0], log.users[1], log.users[1], log.users[0]]
    assert [log.type_names[type_] for type_ in log.types] == ["view", "rating", "purchase", "purchase"]


def test_ids_stay_words() -> None:
    log = read_log(b"1,007,purchase,5,\n01,7,purchase,6,\nNA,null,purchase,7,\n", Weights())
    assert log.item_ids == ["007", "7", "null"]
    assert log.n_users == 3


@pytest.mark.parametrize("csv", [b"", b"ann,i1,impression,1,\n"])
def test_a_log_that_says_nothing_is_empty(csv: bytes) -> None:
    log = read_log(csv, Weights()).wanted().compact()
    assert not len(log.at)
    assert log.item_ids == []


def test_arrays_are_read_as_safetensors_reads_them(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6, dtype=np.int32).reshape(2, 3),
        "b": np.array([0.5], dtype=np.float64),
        "empty": np.empty((0, 4), dtype=np.float16),
    }
    save_file(arrays, tmp_path / "x.safetensors")
    ours, theirs = read_arrays(tmp_path / "x.safetensors"), load_file(tmp_path / "x.safetensors")
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])
        assert not array.flags.writeable


def test_positions_and_rows_meet_both_ways() -> None:
    positions = Positions(["i3", "gone", "i1"], board.catalogue(4))
    assert positions.rows.tolist() == [3, -1, 1]
    assert positions.of(np.array([1, 3, 0, -1, 99], dtype=np.int32)).tolist() == [2, 0, -1, -1, -1]


def test_neighbours_are_as_counted_by_hand() -> None:
    """Each pair of a user's items once: forward exp(-(steps - 1) / 5), backward .6 of it."""
    log = board.log()
    counts = np.zeros((12, 12))
    for user in range(9):
        items = log.items[log.users == user]
        for first in range(len(items)):
            for second in range(first + 1, len(items)):
                weight = np.exp(-(second - first - 1) / neighbours.STEPS_TAU)
                counts[items[first], items[second]] += weight
                counts[items[second], items[first]] += neighbours.BACKWARDS * weight
    known = np.bincount(log.items, minlength=12) + neighbours.SHRINK
    expected = counts * (known**-0.5)[:, None] * (known**-0.25)
    arrays = neighbours.fit(log)
    for position in range(12):
        there = arrays["neighbours"][position] >= 0
        found = np.zeros(12)
        found[arrays["neighbours"][position][there]] = arrays["similarities"][position][there]
        np.testing.assert_allclose(found, expected[position], rtol=1e-5)


def test_trend_counts_fade_by_half_with_every_half_life() -> None:
    log = board.log()
    counts = trend.fit(log)["counts"]
    days = (log.at[-1] - log.at) / 86_400
    for number, half_life in enumerate(trend.HALF_LIVES_DAYS):
        expected = np.bincount(log.items, 0.5 ** (days / half_life), minlength=12)
        np.testing.assert_allclose(counts[number], expected, rtol=1e-5)


def test_one_single_behaviour_can_be_learned_from(tmp_path: Path) -> None:
    log = read_log(b"ann,i1,purchase,5,\n", Weights())
    mixture = trend.fit(log)["mixture"]
    assert np.isfinite(mixture).all()
    assert board.artifact(tmp_path, log)


def test_popularity_keeps_a_voice_when_all_that_came_last_was_new() -> None:
    lines = b"".join(b"u%d,i%d,purchase,%d,\n" % (number % 7, number // 7, number * 3600) for number in range(700))
    assert trend.fit(read_log(lines, Weights()))["mixture"].sum() > 0.02
