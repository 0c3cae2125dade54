import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from app.evaluation.metrics import (
    METRICS,
    by_history,
    macro_mean,
    mean,
    mid_rank,
    ndcg_at,
    recall_at,
    reciprocal_rank,
)

EVERYTHING = np.ones(5, dtype=np.bool_)


def scores(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_the_best_score_ranks_first_and_the_worst_last() -> None:
    assert mid_rank(scores(5, 4, 3, 2, 1), 0, EVERYTHING) == 1
    assert mid_rank(scores(5, 4, 3, 2, 1), 4, EVERYTHING) == 5


def test_ties_stand_in_the_middle_of_their_places() -> None:
    assert mid_rank(scores(9, 7, 7, 7, 1), 2, EVERYTHING) == 3
    assert mid_rank(scores(7, 7, 1, 1, 1), 0, EVERYTHING) == 1.5
    assert mid_rank(scores(0, 0, 0, 0, 0), 3, EVERYTHING) == 3


def test_what_is_no_candidate_does_not_push_the_target_down() -> None:
    allowed = np.array([False, True, True, False, True])
    assert mid_rank(scores(9, 8, 7, 7, 6), 2, allowed) == 2


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf])
def test_a_target_without_a_finite_score_takes_the_last_place(nothing: float) -> None:
    assert mid_rank(scores(nothing, math.nan, math.nan, 1, 2), 0, EVERYTHING) == 5


def test_candidates_without_a_score_stand_behind_every_score() -> None:
    assert mid_rank(scores(math.nan, -7, math.nan, -3, math.nan), 1, EVERYTHING) == 2


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.data())
def test_the_mid_rank_is_the_average_rank(values: list[int], data: st.DataObject) -> None:
    target = data.draw(st.integers(0, len(values) - 1))
    array = np.array(values, dtype=np.float32)
    assert mid_rank(array, target, np.ones(len(values), dtype=np.bool_)) == rankdata(-array)[target]


def test_counting_only_higher_scores_would_flatter_a_coarse_scorer() -> None:
    """The trap: .0861 was once read for a true .0603, because the scorer gave many items the same score."""
    rng = np.random.default_rng(0)
    everything = np.ones(200, dtype=np.bool_)
    strict, middle, drawn = [], [], []
    for _ in range(3_000):
        coarse = np.floor(4 * rng.random(200)).astype(np.float32)
        target = int(rng.integers(200))
        coarse[target] = min(3, coarse[target] + 2)
        strict.append(1 + np.count_nonzero(coarse > coarse[target]))
        middle.append(mid_rank(coarse, target, everything))
        drawn.append(mid_rank((coarse + rng.random(200) * 1e-3).astype(np.float32), target, everything))
    flattering, honest, true = (ndcg_at(np.array(r, dtype=np.float32), 10).mean() for r in (strict, middle, drawn))
    assert true < 0.1
    assert flattering > 5 * true
    assert honest <= true


def test_values_by_hand() -> None:
    ranks = np.array([1, 2, 2.5, 10, 11], dtype=np.float32)
    assert ndcg_at(ranks, 10) == pytest.approx([1, 1 / math.log2(3), 1 / math.log2(3.5), 1 / math.log2(11), 0])
    assert recall_at(ranks, 2).tolist() == [1, 1, 0, 0, 0]
    assert reciprocal_rank(ranks) == pytest.approx([1, 0.5, 0.4, 0.1, 1 / 11])
    assert METRICS["HR@10"](ranks).tolist() == [1, 1, 1, 1, 0]
    assert METRICS["Recall@20"](ranks).tolist() == [1, 1, 1, 1, 1]


def test_the_macro_mean_gives_every_user_one_vote() -> None:
    values, users = np.array([1.0, 1.0, 1.0, 0.0]), np.array([7, 7, 7, 3], dtype=np.int32)
    assert mean(values) == 0.75
    assert macro_mean(values, users) == 0.5
    assert math.isnan(mean(values[:0]))
    assert math.isnan(macro_mean(values[:0], users[:0]))


def test_buckets_of_history_hold_every_query_once() -> None:
    table = by_history(np.array([1.0, 0.0, 0.5, 1.0]), np.array([0, 4, 5, 900], dtype=np.int32))
    assert table["0"] == (1, 1.0)
    assert table["4-5"] == (2, 0.25)
    assert table["51+"] == (1, 1.0)
    assert sum(n for n, _ in table.values()) == 4


def test_accuracy_agrees_with_ranx() -> None:
    ranx = pytest.importorskip("ranx")
    rng = np.random.default_rng(3)
    table = rng.permuted(np.tile(np.arange(60.0), (40, 1)), axis=1).astype(np.float32)
    targets = rng.integers(60, size=40)
    ranks = np.array([mid_rank(row, t, np.ones(60, dtype=np.bool_)) for row, t in zip(table, targets, strict=True)])
    run = ranx.Run({str(q): {str(v): float(s) for v, s in enumerate(row)} for q, row in enumerate(table)})
    truth = ranx.Qrels({str(q): {str(t): 1} for q, t in enumerate(targets)})
    theirs = ranx.evaluate(truth, run, ["ndcg@10", "hit_rate@10", "mrr", "recall@20", "recall@50"])
    ours = [float(metric(ranks.astype(np.float32)).mean()) for metric in METRICS.values()]
    assert ours == pytest.approx(list(theirs.values()), abs=1e-6)


def test_accuracy_agrees_with_rectools() -> None:
    metrics, pd = pytest.importorskip("rectools.metrics"), pytest.importorskip("pandas")
    rng = np.random.default_rng(4)
    slates = np.array([rng.permutation(30) for _ in range(50)])
    targets = rng.integers(30, size=50)
    ranks = (1 + np.argmax(slates == targets[:, None], axis=1)).astype(np.float32)
    recommended = pd.DataFrame(
        {"user_id": np.repeat(np.arange(50), 30), "item_id": slates.ravel(), "rank": np.tile(np.arange(1, 31), 50)}
    )
    truth = pd.DataFrame({"user_id": np.arange(50), "item_id": targets})
    # RecTools divides by the ideal of k right answers unless told otherwise
    theirs = {
        "NDCG@10": metrics.NDCG(k=10, divide_by_achievable=True),
        "HR@10": metrics.HitRate(k=10),
        "MRR": metrics.MRR(k=30),
        "Recall@20": metrics.Recall(k=20),
    }
    for name, metric in theirs.items():
        assert METRICS[name](ranks).mean() == pytest.approx(metric.calc(recommended, truth)), name
