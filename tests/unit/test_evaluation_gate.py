from dataclasses import replace

import numpy as np
import pytest

from app.evaluation.bootstrap import compare
from app.evaluation.gate import Contender, Rails, judge
from app.evaluation.replay import RECORD, Outcome


def outcome(ranks: np.ndarray, per_user: int = 5) -> Outcome:
    records = np.zeros(len(ranks), dtype=RECORD)
    records["query"], records["rank"] = np.arange(len(ranks)), ranks
    records["user"] = np.arange(len(ranks)) // per_user
    return Outcome(records, np.zeros((len(ranks), 10), dtype=np.int32))


def contender(name: str, ranks: np.ndarray) -> Contender:
    return Contender(name, outcome(ranks), coverage=0.5, diversity=0.6, cold_items_ndcg=0.03, p99_ms=20.0)


def ranks_of(seed: int, best: int, n: int = 600) -> np.ndarray:
    return np.random.default_rng(seed).integers(best, 30, size=n).astype(np.float32)


CHAMPION = contender("champion", ranks_of(0, 3))


def test_a_constant_difference_has_no_width() -> None:
    theirs = np.random.default_rng(0).random(100)
    result = compare(theirs + 0.25, theirs, np.arange(100) // 4, seed=1).difference
    assert (result.mean, result.low, result.high) == pytest.approx((0.25, 0.25, 0.25))
    assert result.excludes_zero


def test_equal_systems_do_not_differ() -> None:
    values = np.random.default_rng(0).random(100)
    result = compare(values, values, np.arange(100) // 4, seed=1)
    assert (result.difference.low, result.difference.high) == (0.0, 0.0)
    assert not result.difference.excludes_zero
    assert result.n_users == 25


def test_the_lift_is_relative_to_the_other_system() -> None:
    theirs = np.random.default_rng(0).random(200) + 0.5
    lift = compare(1.2 * theirs, theirs, np.arange(200), seed=1).lift
    assert (lift.mean, lift.low, lift.high) == pytest.approx((0.2, 0.2, 0.2))


def test_the_interval_holds_the_truth_nineteen_times_of_twenty() -> None:
    rng, held = np.random.default_rng(2), 0
    for seed in range(60):
        by_user = np.repeat(rng.normal(0.1, 1.0, size=40), 3)  # 40 users, each with an own true difference
        interval = compare(by_user + rng.normal(0, 0.1, size=120), np.zeros(120), np.arange(120) // 3, seed).difference
        held += interval.low <= 0.1 <= interval.high
    assert 51 <= held <= 60


def test_the_interval_is_as_wide_as_the_normal_one_where_that_holds() -> None:
    by_user = np.random.default_rng(5).normal(size=400)
    interval = compare(by_user, np.zeros(400), np.arange(400), seed=0).difference
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * by_user.std() / 20, rel=0.1)


def test_users_are_drawn_and_not_queries() -> None:
    by_user = np.repeat(np.random.default_rng(3).normal(size=20), 50)
    together = compare(by_user, np.zeros(1_000), np.arange(1_000) // 50, seed=0).difference
    apart = compare(by_user, np.zeros(1_000), np.arange(1_000), seed=0).difference
    assert together.high - together.low > 5 * (apart.high - apart.low)


def test_the_seed_decides_the_draw() -> None:
    (ours, theirs), users = np.random.default_rng(4).random((2, 90)), np.arange(90) // 3
    assert compare(ours, theirs, users, 1).difference == compare(ours, theirs, users, 1).difference
    assert compare(ours, theirs, users, 1).difference != compare(ours, theirs, users, 2).difference


def test_a_better_challenger_is_promoted_with_its_gain() -> None:
    verdict = judge(contender("new", ranks_of(1, 1)), CHAMPION, Rails(), seed=0)
    assert verdict.promoted
    assert len(verdict.reasons) == 1
    assert "against champion" in verdict.reasons[0]
    assert verdict.comparisons["champion"].difference.low > 0


def test_an_equal_challenger_may_follow_newer_data() -> None:
    assert judge(replace(CHAMPION, name="twin"), CHAMPION, Rails(), seed=0).promoted


def test_a_worse_challenger_is_refused() -> None:
    verdict = judge(contender("new", ranks_of(1, 9)), CHAMPION, Rails(), seed=0)
    assert not verdict.promoted
    assert "cannot be ruled out" in verdict.reasons[0]


def test_a_challenger_that_may_be_worse_is_refused_though_it_seems_equal() -> None:
    verdict = judge(contender("new", ranks_of(7, 3)), CHAMPION, Rails(), seed=0)
    interval = verdict.comparisons["champion"].lift
    assert interval.low < -0.02 < interval.high
    assert not verdict.promoted


def test_a_gain_on_average_can_be_asked_for_instead_of_a_sure_one() -> None:
    rails = Rails(loss=1.0, gain=0.0)
    verdicts = [judge(contender("new", ranks_of(seed, 3)), CHAMPION, rails, seed=0) for seed in range(10)]
    lifts = [verdict.comparisons["champion"].lift for verdict in verdicts]
    assert any(lift.low < -0.02 and lift.mean > 0 for lift in lifts)
    assert [verdict.promoted for verdict in verdicts] == [lift.mean >= 0 for lift in lifts]
    assert {verdict.promoted for verdict in verdicts} == {True, False}


def test_a_baseline_that_only_seems_better_does_not_stop_the_challenger() -> None:
    ahead = ranks_of(1, 3)
    ahead[:3] = 1.0
    verdict = judge(
        contender("new", ranks_of(1, 3)), CHAMPION, Rails(loss=1.0), seed=0, baselines=(contender("popular", ahead),)
    )
    assert verdict.comparisons["popular"].difference.mean < 0
    assert verdict.promoted


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("coverage", 0.44, "Coverage"),
        ("diversity", 0.5, "Diversity"),
        ("cold_items_ndcg", 0.02, "cold items"),
        ("p99_ms", 26.0, "p99"),
        ("coverage", float("nan"), "Coverage"),
    ],
)
def test_a_broken_guard_rail_stops_even_the_better_one(field: str, value: float, word: str) -> None:
    challenger = replace(contender("new", ranks_of(1, 1)), **{field: value})
    verdict = judge(challenger, CHAMPION, Rails(), seed=0)
    assert not verdict.promoted
    assert [word in reason for reason in verdict.reasons] == [True]


def test_small_losses_within_the_rails_are_allowed() -> None:
    challenger = replace(contender("new", ranks_of(1, 1)), coverage=0.46, diversity=0.55, p99_ms=24.0)
    assert judge(challenger, CHAMPION, Rails(), seed=0).promoted


def test_a_guard_that_the_champion_was_never_measured_by_is_none() -> None:
    nameless = replace(CHAMPION, cold_items_ndcg=float("nan"), p99_ms=float("nan"))
    assert judge(contender("new", ranks_of(1, 1)), nameless, Rails(), seed=0).promoted


def test_a_baseline_that_is_significantly_better_stops_the_challenger() -> None:
    verdict = judge(
        contender("new", ranks_of(1, 3)),
        CHAMPION,
        Rails(loss=1.0),
        seed=0,
        baselines=(contender("popular 7 d", ranks_of(2, 1)),),
    )
    assert not verdict.promoted
    assert verdict.reasons[0].endswith("popular 7 d is better.")


@pytest.mark.parametrize("n", [0, 50])
def test_too_few_users_are_no_evidence(n: int) -> None:
    few = contender("champion", ranks_of(0, 20, n))
    verdict = judge(contender("new", ranks_of(1, 1, n)), few, Rails(), seed=0)
    assert not verdict.promoted
    assert "users to judge by" in verdict.reasons[0]


def test_only_queries_that_both_answered_are_compared() -> None:
    short = contender("new", ranks_of(1, 1, 300))
    assert judge(short, CHAMPION, Rails(), seed=0).comparisons["champion"].n_users == 60
