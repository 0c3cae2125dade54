"""The ranker learns what was planted, forgives what is missing, and comes back from disk as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.ranking.ranker import Lessons, fit_logit, fit_ranker, load_ranker

NAMES = ("signal", "noise", "user", "often missing")


def lessons(n: int = 300, seed: int = 0, weight: float = 2.0) -> Lessons:
    """20 candidates each; the choice follows `signal`, `user` is the same for all of a request."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 20, 4)).astype(np.float32)
    x[:, :, 2] = x[:, :1, 2]
    utility = weight * x[:, :, 0] + rng.gumbel(size=(n, 20))
    x[:, :, 3] = np.where(rng.random((n, 20)) < 0.5, np.nan, x[:, :, 0])
    return Lessons(x.reshape(-1, 4), np.full(n, 20), utility.argmax(axis=1), NAMES)


def hits(scores: np.ndarray, some: Lessons) -> float:
    return float((scores.reshape(-1, 20).argmax(axis=1) == some.chosen).mean())


def test_the_logit_finds_the_planted_weight() -> None:
    some = replace(lessons(4000), features=lessons(4000).features[:, :3], names=NAMES[:3])
    logit = fit_logit(some, l2=1e-6)
    assert logit.weights[0] / logit.scale[0] == pytest.approx(2.0, rel=0.1)
    assert abs(logit.weights[1]) < 0.1
    assert abs(logit.weights[2]) < 1e-3


def test_both_parts_beat_chance_on_other_requests() -> None:
    ranker, others = fit_ranker(lessons()), lessons(seed=1)
    assert hits(ranker.score(others.features), others) > 0.8 * hits(others.features[:, 0], others)


def test_the_parts_add_up_to_the_score() -> None:
    ranker = fit_ranker(lessons())
    features = lessons(20, seed=2).features
    gap = ranker.parts(features).sum(axis=1) - ranker.score(features)
    np.testing.assert_allclose(gap, gap[0], atol=1e-4)


def test_a_ranker_comes_back_from_disk(tmp_path: Path) -> None:
    ranker = fit_ranker(lessons())
    ranker.save(tmp_path, "ranker-new")
    again = load_ranker(tmp_path, "ranker-new")
    assert again is not None
    assert again.names == NAMES
    features = lessons(20, seed=2).features
    np.testing.assert_array_equal(again.score(features), ranker.score(features))
    assert load_ranker(tmp_path, "ranker-old") is None


def test_a_feature_that_nobody_has_weighs_nothing() -> None:
    some = lessons()
    some.features[:, 3] = np.nan
    assert np.isfinite(fit_ranker(some).score(some.features)).all()


def test_one_lesson_is_enough_not_to_break() -> None:
    assert np.isfinite(fit_ranker(lessons(1)).score(lessons(1).features)).all()
