import math

import numpy as np
import pytest

from app.evaluation.beyond import (
    DAY_S,
    beyond_accuracy,
    calibration,
    category_shares,
    coverage,
    freshness,
    intra_list_diversity,
    novelty,
    offers,
    popularity,
    serendipity,
    view_of,
)
from app.evaluation.events import Columns, Events, Items, known_since, order_events
from app.evaluation.replay import RECORD, Outcome, set_exam

SLATES = np.array([[0, 1, 2], [2, 3, -1], [3, -1, -1]], dtype=np.int32)


def past() -> Events:
    """Item 0: three users, item 1: two, item 2: one (twice), item 3: nobody."""
    rows = [("a", "0"), ("b", "0"), ("c", "0"), ("a", "1"), ("b", "1"), ("a", "2"), ("a", "2")]
    users, items = zip(*rows, strict=True)
    n = len(rows)
    return order_events(Columns(users, items, np.arange(n) * DAY_S, np.ones(n), ["view"] * n), ("0", "1", "2", "3"))


def unit_vectors() -> np.ndarray:
    angles = np.radians([0, 60, 90, 180])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_coverage_counts_distinct_items() -> None:
    assert coverage(SLATES, 8) == 0.5


def test_diversity_is_the_mean_distance_of_all_pairs() -> None:
    by_hand = [(0.5 + 1.0 + (1 - math.sqrt(3) / 2)) / 3, 1.0, 0.0]
    assert intra_list_diversity(SLATES, unit_vectors()) == pytest.approx(by_hand, abs=1e-6)


def test_items_without_text_do_not_make_a_slate_diverse() -> None:
    vectors = unit_vectors()
    vectors[1] = np.nan
    assert intra_list_diversity(SLATES, vectors)[0] == pytest.approx(1.0)


def test_novelty_is_in_bits_of_user_frequency() -> None:
    assert novelty(SLATES, past()) == pytest.approx(
        [(0 + math.log2(3 / 2) + math.log2(3)) / 3, math.log2(3), math.log2(3)]
    )


def test_popularity_is_the_mean_count() -> None:
    assert popularity(SLATES, np.array([3, 2, 2, 0])) == pytest.approx([7 / 3, 1.0, 0.0])


def test_serendipity_rewards_a_right_answer_that_popularity_would_not_give() -> None:
    counts = np.array([3, 2, 1, 0])
    # of 4 items: place 3 offers 2/4, popularity puts item 2 on place 3 of 4 as well; place 1 offers 4/4
    assert serendipity(SLATES, np.array([2, 2, 3]), counts) == pytest.approx([0.0, (1.0 - 0.5) / 2, 1.0])
    assert serendipity(SLATES, np.array([1, 0, 0]), counts) == pytest.approx([0.0, 0.0, 0.0])


def test_freshness_is_the_share_of_the_last_thirty_days() -> None:
    published = np.array([100, 69, math.nan, 131]) * DAY_S
    at = np.array([100.0, 100.0, 131.0]) * DAY_S
    assert freshness(SLATES, at, published).tolist() == [0.5, 0.0, 1.0]
    assert np.isnan(freshness(SLATES, at, np.full(4, np.nan))).all()


def test_calibration_is_zero_for_the_users_own_mixture_and_grows_away_from_it() -> None:
    taste = np.array([[0.7, 0.3]] * 3)
    offer = np.array([[0.7, 0.3], [0.5, 0.5], [1.0, 0.0]])
    values = calibration(taste, offer)
    smooth = 0.99 * np.array([0.5, 0.5]) + 0.01 * taste[0]
    assert values[0] == pytest.approx(0.0, abs=1e-12)
    assert values[1] == pytest.approx(0.7 * math.log(0.7 / smooth[0]) + 0.3 * math.log(0.3 / smooth[1]))
    assert values[2] > values[1] > 0
    assert np.isnan(calibration(taste[:1], np.zeros((1, 2))))[0]


def test_an_item_is_spread_evenly_over_its_categories() -> None:
    shares = category_shares([("a", "b"), ("b",), (), ("b", "b")])
    assert shares.toarray().tolist() == [[0.5, 0.5], [0, 1], [0, 0], [0, 1]]
    assert offers(np.array([[0, 1], [2, -1]], dtype=np.int32), shares).tolist() == [[0.25, 0.75], [0, 0]]


def test_all_measures_come_from_one_outcome() -> None:
    events = past()
    exam = set_exam(events, 5, known_since(events))
    records = np.zeros(2, dtype=RECORD)
    records["query"], records["item"], records["at"] = [5, 6], [2, 2], events.at[[5, 6]]
    items = Items(["", "", "", ""], [("x",), ("y",), ("x",), ()], np.zeros(4))
    measured = beyond_accuracy(Outcome(records, SLATES[:2]), exam, view_of(items, unit_vectors()))
    assert measured["coverage"] == 1.0
    assert measured["freshness"] == 1.0
    # before the exam nobody had item 2: only items 0 (three users of three) and 1 (two) lower the novelty
    assert measured["novelty"] == pytest.approx(((math.log2(1.5) + math.log2(3)) / 3 + math.log2(3)) / 2)
    assert set(measured) == {"coverage", "ILD", "novelty", "popularity", "serendipity", "calibration", "freshness"}
    assert all(math.isfinite(value) for value in measured.values())


def test_measures_agree_with_rectools() -> None:
    metrics, pd = pytest.importorskip("rectools.metrics"), pytest.importorskip("pandas")
    rng = np.random.default_rng(5)
    n_items, n = 25, 60
    users, items = rng.integers(12, size=n), rng.integers(n_items - 5, size=n)
    events = order_events(
        Columns([f"u{u}" for u in users], [f"{v}" for v in items], np.arange(float(n)), np.ones(n), ["view"] * n),
        [f"{v}" for v in range(n_items)],
    )
    slates = np.array([rng.permutation(n_items)[:10] for _ in range(30)], dtype=np.int32)
    targets = slates[np.arange(30), rng.integers(10, size=30)]
    recommended = pd.DataFrame(
        {"user_id": np.repeat(np.arange(30), 10), "item_id": slates.ravel(), "rank": np.tile(np.arange(1, 11), 30)}
    )
    truth = pd.DataFrame({"user_id": np.arange(30), "item_id": targets})
    before = pd.DataFrame({"user_id": users, "item_id": items})
    counts = np.bincount(events.items, minlength=n_items)
    catalogue = list(range(n_items))
    assert novelty(slates, events) == pytest.approx(metrics.MeanInvUserFreq(k=10).calc_per_user(recommended, before))
    assert popularity(slates, counts) == pytest.approx(
        metrics.AvgRecPopularity(k=10).calc_per_user(recommended, before).to_numpy()
    )
    assert serendipity(slates, targets, counts) == pytest.approx(
        metrics.Serendipity(k=10).calc_per_user(recommended, truth, before, catalogue).to_numpy()
    )
    assert coverage(slates, n_items) == metrics.CatalogCoverage(k=10, normalize=True).calc(recommended, catalogue)
