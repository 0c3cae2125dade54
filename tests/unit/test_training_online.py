"""Learning as behaviours arrive comes to what a fit over all of them comes to."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.catalogue import Mask, Vectors
from app.profiles.decay import DAY_S
from app.retrieval import text_map, trend
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.training.online import Fitted, Learner

N, N_USERS, N_ITEMS, WIDTH = 300, 6, 25, 5
UNSEEN = 3  # an item without a vector


def vectors() -> Vectors:
    found = np.random.default_rng(7).normal(size=(N_ITEMS, WIDTH)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    found[UNSEEN] = np.nan
    return found


def behaviors(seed: int) -> Log:
    """In order of time, many at one moment, some of them against an item."""
    random = np.random.default_rng(seed)
    return Log(
        users=random.integers(0, N_USERS, N).astype(np.int32),
        items=random.integers(0, N_ITEMS, N).astype(np.int32),
        at=np.sort(random.integers(0, 80, N) * DAY_S / 4),
        weights=random.choice([1.0, 0.5, -0.5], N, p=[0.5, 0.3, 0.2]).astype(np.float32),
        types=np.zeros(N, dtype=np.int16),
        n_users=N_USERS,
        item_ids=[f"i{number}" for number in range(N_ITEMS)],
        type_names=["view"],
    )


def told(learner: Learner, log: Log, batch: list[Mask]) -> Learner:
    """Batch by batch: (N,) which behaviours arrive; of the users who have any, all that arrived until then is known."""
    known = np.zeros(len(log.at), dtype=np.bool_)
    for fresh in batch:
        touched = np.isin(log.users, log.users[fresh]) & (known | fresh)
        learner.take(log.take(touched), fresh[touched], vectors())
        known |= fresh
    return learner


def by_item(arrays: Arrays, item_ids: list[str]) -> dict[str, tuple[float, ...]]:
    columns = [*np.asarray(arrays["counts"], dtype=np.float64), arrays["first_at"]]
    return dict(zip(item_ids, zip(*columns, strict=True), strict=True))


def assert_same(learner: Learner, log: Log) -> None:
    wanted = log.wanted().compact()
    fitted_trend = trend.fit(wanted)
    fitted_map = text_map.fit(wanted, vectors()[[int(name[1:]) for name in wanted.item_ids]], "v1")
    found = learner.arrays(Fitted(fitted_trend["mixture"], fitted_map["sharpness"]), "v1")
    scale = np.abs(fitted_map["map"]).max()
    np.testing.assert_allclose(found["text_map"]["map"], fitted_map["map"], rtol=0, atol=1e-6 * scale)
    assert found["text_map"]["version"].tolist() == fitted_map["version"].tolist()
    assert found["trend"]["until"] == fitted_trend["until"]
    known, expected = by_item(found["trend"], learner.item_ids), by_item(fitted_trend, wanted.item_ids)
    assert known.keys() == expected.keys()
    for name, values in expected.items():
        assert known[name] == pytest.approx(values, rel=1e-6, abs=1e-9), name


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 30))
def test_any_batching_comes_to_the_fit_over_all(seed: int, n_batches: int) -> None:
    log = behaviors(seed)
    bounds = np.linspace(0, N, n_batches + 1).astype(int)
    batches = [(np.arange(N) >= begin) & (np.arange(N) < end) for begin, end in pairwise(bounds)]
    assert_same(told(Learner(WIDTH), log, batches), log)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12))
def test_behaviours_may_come_late_and_in_any_order(seed: int, n_batches: int) -> None:
    log = behaviors(seed)
    number = np.random.default_rng(seed).integers(0, n_batches, N)
    assert_same(told(Learner(WIDTH), log, [number == batch for batch in range(n_batches)]), log)


def test_what_is_not_taken_is_not_known() -> None:
    log = behaviors(1)
    learner = told(Learner(WIDTH), log, [np.arange(N) < N - 40])
    with pytest.raises(AssertionError):
        assert_same(learner, log)


def test_it_goes_on_from_what_it_wrote(tmp_path: Path) -> None:
    log = behaviors(2)
    first, second = np.arange(N) < 200, np.arange(N) >= 200
    fitted = Fitted(np.full(4, 0.2), np.array([5.0]))
    told(Learner(WIDTH), log, [first]).write(tmp_path, fitted, "v1")
    learner = Learner.read(tmp_path)
    assert learner.width == WIDTH
    touched = np.isin(log.users, log.users[second])
    learner.take(log.take(touched), second[touched], vectors())
    assert_same(learner, log)


def test_what_it_writes_is_what_the_generators_read(tmp_path: Path) -> None:
    log = behaviors(3)
    fitted = Fitted(np.full(4, 0.2), np.array([5.0]))
    told(Learner(WIDTH), log, [np.ones(N, dtype=np.bool_)]).write(tmp_path, fitted, "v1")
    assert {path.name for path in tmp_path.iterdir()} == {
        "trend.safetensors",
        "text_map.safetensors",
        "sums.safetensors",
        "items.json",
    }
    again = Fitted.read(tmp_path)
    np.testing.assert_array_equal(again.mixture, fitted.mixture)
    np.testing.assert_array_equal(again.sharpness, fitted.sharpness)


def test_nothing_one_user_and_one_item_break_nothing() -> None:
    log = behaviors(4)
    empty = log.take(slice(0, 0))
    learner = Learner(WIDTH)
    learner.take(empty, np.zeros(0, dtype=np.bool_), vectors())
    learner.take(replace(log, weights=-np.abs(log.weights)), np.ones(N, dtype=np.bool_), vectors())
    assert not learner.has_learned
    alone = replace(log, users=np.zeros(N, np.int32), items=np.zeros(N, np.int32), at=np.full(N, 9.0), n_users=1)
    learner.take(alone, np.ones(N, dtype=np.bool_), vectors())
    assert_same(learner, alone)


def test_items_without_any_vector_leave_the_map_at_nothing() -> None:
    log = behaviors(5)
    learner = Learner(WIDTH)
    learner.take(log, np.ones(N, dtype=np.bool_), np.full((N_ITEMS, WIDTH), np.nan, dtype=np.float32))
    assert not learner.arrays(Fitted(np.full(4, 0.2), np.array([5.0])), "v1")["text_map"]["map"].any()
