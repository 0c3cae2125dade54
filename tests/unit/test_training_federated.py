"""Sums of clients, added up, come to the fit over the whole log; noise costs accuracy, and not all of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.retrieval import slit, text_map
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.retrieval.text_map import Sums
from app.training.federated import (
    Noise,
    added,
    clipped,
    epsilon_of,
    map_sums,
    positive,
    prepared,
    slit_sums,
    solve_map,
    solve_slit,
)  # fmt: skip
from tests.unit.test_retrieval_linear import by_quarters, dense, random_log
from tests.unit.test_training_pipeline import N_ITEMS, N_USERS, circle

LOG = replace(by_quarters(random_log(0, n=400)), weights=np.where(np.arange(400) % 7, 1.0, -0.5).astype(np.float32))


def clients(log: Log) -> list[Log]:
    return [log.take(log.users == user) for user in range(log.n_users)]


@pytest.mark.parametrize("by_line", [False, True])
def test_slit_of_all_clients_is_the_fit_over_the_whole_log(by_line: bool) -> None:
    wanted = LOG.wanted()
    central = dense(slit.fit(wanted, by_line=by_line), 9)
    total = added(slit_sums(one, LOG.item_ids, by_line) for one in clients(LOG))
    np.testing.assert_allclose(dense(solve_slit(total, LOG.item_ids), 9), central, rtol=0, atol=1e-5)
    fewer = added(slit_sums(one, LOG.item_ids, by_line) for one in clients(LOG)[1:])
    assert np.abs(dense(solve_slit(fewer, LOG.item_ids), 9) - central).max() > 1e-3


def test_the_text_map_of_all_clients_is_the_fit_over_the_whole_log() -> None:
    vectors = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    vectors[7] = np.nan
    central = text_map.fit(LOG.wanted(), vectors, "v")["map"]
    total = added(map_sums(one, LOG.item_ids, vectors) for one in clients(LOG))
    np.testing.assert_allclose(solve_map(total, vectors), central, rtol=0, atol=1e-5)


def test_a_client_numbers_its_items_as_it_likes_and_says_nothing_of_others() -> None:
    turned = replace(LOG, items=(8 - LOG.items).astype(np.int32), item_ids=LOG.item_ids[::-1])
    ours, theirs = slit_sums(LOG, LOG.item_ids[:5]), slit_sums(turned, LOG.item_ids[:5])
    np.testing.assert_allclose(ours.before, theirs.before)
    assert ours.before.shape == (5, 5)
    assert not slit_sums(LOG, ["unknown"]).before.any()


def test_nobody_sends_more_than_the_bound() -> None:
    whole = slit_sums(LOG, LOG.item_ids)
    short = clipped(whole, 2.0)
    assert np.sqrt((short.before**2).sum() + (short.between**2).sum()) == pytest.approx(2.0)
    np.testing.assert_allclose(clipped(short, 5.0).before, short.before)
    assert not clipped(Sums.empty(3), 1.0).before.any()


def test_the_noise_has_the_width_that_its_price_is_told_for() -> None:
    sent = prepared(Sums.empty(200), Noise(bound=3.0, multiplier=2.0), np.random.default_rng(0))
    assert np.concatenate([sent.before, sent.between]).std() == pytest.approx(6.0, rel=0.02)
    assert epsilon_of(10.0, 1e-6) == pytest.approx(0.02 + 2 * np.sqrt(0.02 * np.log(1e6)))
    assert epsilon_of(20.0, 1e-6) < epsilon_of(10.0, 1e-6)


def test_what_noise_made_of_a_sum_can_be_solved_again() -> None:
    noise = np.random.default_rng(0).normal(size=(20, 20))
    made = positive(noise)
    assert np.linalg.eigvalsh(made).min() >= -1e-9
    np.testing.assert_allclose(positive(made), made, atol=1e-9)


def recall(arrays: Arrays) -> float:
    """Share of the items of the circle whose strongest neighbour is the next one."""
    first = dense(arrays, N_ITEMS).argmax(axis=1)
    return float((first == (np.arange(N_ITEMS) + 1) % N_ITEMS).mean())


def test_recall_falls_with_the_noise_and_not_off_a_cliff() -> None:
    log = circle()
    sums = [slit_sums(one, log.item_ids) for one in clients(log)]
    assert len(sums) == N_USERS
    found = []
    for multiplier in (0.0, 0.01, 0.05, 10.0):
        rng = np.random.default_rng(3)
        sent = added(prepared(one, Noise(30.0, multiplier), rng) for one in sums)
        found.append(recall(solve_slit(sent, log.item_ids)))
    assert found[0] >= 0.95
    assert found[0] >= found[1] >= found[2] >= found[3]
    assert found[1] > 0.5
    assert found[3] < 0.2
