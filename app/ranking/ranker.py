"""Which candidate comes first: a conditional logit and small trees, over what all sources say.

The logit is the choice model of McFadden (1974), convex and hard to overfit; the trees are LambdaMART (Burges 2010) by
LightGBM. Their scores are added: each errs elsewhere. NDCG@10 of the logit, the trees and their sum on other requests:
IFDB .065, .067, .068, UCI retail .251, .259, .256 (with repeats .253, .263, .261), groceries .067, .066, .068 (with
repeats .119, .122, .121). Trees that start from the logit's scores came to .063, .253, .068; larger ones overfit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

L2 = 1e-3
N_TREES = 150
# The trees know less than the logit where the log is short (MovieTweetings .115, .094, both .118).
TREES_WEIGHT = 0.5
TREE = {
    "objective": "lambdarank",
    "num_leaves": 7,
    "learning_rate": 0.05,
    "min_data_in_leaf": 200,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "lambdarank_truncation_level": 20,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
    "seed": 1,
}


@dataclass(frozen=True, slots=True)
class Lessons:
    """Q requests that were answered by what people did: `features` (M, F) of all candidates, request after request.

    `sizes` (Q,) are the numbers of candidates of each, and `chosen` (Q,) the place among them of what was chosen.
    """

    features: Floats
    sizes: NDArray[np.int64]
    chosen: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True, slots=True)
class Logit:
    """score = weights . (x - mean) / scale, where a missing x counts as the mean and adds its own weight."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    missing: NDArray[np.float64]

    def score(self, features: Floats) -> NDArray[np.float64]:
        """(N, F) -> (N,)"""
        return np.asarray(self.parts(features).sum(axis=1))

    def parts(self, features: Floats) -> NDArray[np.float64]:
        """(N, F) -> (N, F) what each feature adds."""
        absent = np.isnan(features)
        standard = np.where(absent, 0.0, (features - self.mean) / self.scale)
        return np.asarray(standard * self.weights + absent * self.missing)


class Ranker:
    """A fitted logit and trees over the same features; both in one score."""

    def __init__(self, names: tuple[str, ...], logit: Logit, trees: Any | None) -> None:
        self.names = names
        self._logit = logit
        self._trees = trees

    def score(self, features: Floats) -> Floats:
        """(N, F) -> (N,): the higher the likelier; differences are log odds."""
        scores = self._logit.score(features)
        if self._trees is not None and len(features):
            scores = scores + TREES_WEIGHT * self._trees.predict(features, num_threads=1)
        return scores.astype(np.float32)

    def parts(self, features: Floats) -> Floats:
        """(N, F) -> (N, F) what each feature adds to the score, up to a constant (trees: SHAP, Lundberg 2018)."""
        parts = self._logit.parts(features)
        if self._trees is not None and len(features):
            parts = parts + TREES_WEIGHT * self._trees.predict(features, pred_contrib=True, num_threads=1)[:, :-1]
        return parts.astype(np.float32)

    def listens_to(self, name: str) -> bool:
        """Whether this feature was known to anybody when it was learned."""
        return bool(self._logit.weights[self.names.index(name)])

    def save(self, folder: Path, name: str) -> None:
        """`<name>.json`, and `<name>.trees.txt` in LightGBM's own text format."""
        logit = {field: getattr(self._logit, field).tolist() for field in ("mean", "scale", "weights", "missing")}
        (folder / f"{name}.json").write_text(json.dumps({"names": self.names, "logit": logit}))
        if self._trees is not None:
            (folder / f"{name}.trees.txt").write_text(self._trees.model_to_string())


def load_ranker(folder: Path, name: str) -> Ranker | None:
    """None where there is none."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    told = json.loads(path.read_text())
    logit = Logit(**{field: np.array(values) for field, values in told["logit"].items()})
    trees = folder / f"{name}.trees.txt"
    return Ranker(tuple(told["names"]), logit, _booster(trees.read_text()) if trees.exists() else None)


def fit_ranker(lessons: Lessons, n_trees: int = N_TREES) -> Ranker:
    logit = fit_logit(lessons)
    return Ranker(lessons.names, logit, _fit_trees(lessons, n_trees) if n_trees else None)


def fit_logit(lessons: Lessons, l2: float = L2) -> Logit:
    """The most likely weights; a feature that never varies gets none."""
    from scipy.optimize import minimize

    absent = np.isnan(lessons.features)
    known = np.where(absent, np.nan, lessons.features)
    mean = np.nan_to_num(_nanmean(known))
    scale = np.maximum(np.nan_to_num(np.sqrt(_nanmean((known - mean) ** 2))), 1e-6)
    standard = np.nan_to_num((known - mean) / scale).astype(np.float32)
    marked = np.flatnonzero(absent.any(axis=0))
    x = np.concatenate([standard, absent[:, marked].astype(np.float32)], axis=1)
    starts = np.concatenate([[0], np.cumsum(lessons.sizes)[:-1]])
    chosen = starts + lessons.chosen

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = x @ weights.astype(np.float32)
        top = np.maximum.reduceat(scores, starts)
        odds = np.exp(scores - np.repeat(top, lessons.sizes))
        total = np.add.reduceat(odds, starts)
        chances = odds / np.repeat(total, lessons.sizes)
        value = float(np.mean(np.log(total) + top - scores[chosen]))
        slope = (x.T @ chances - x[chosen].sum(axis=0)) / len(lessons)
        return value + l2 * float(weights @ weights), slope + 2 * l2 * weights

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    missing = np.zeros(len(mean))
    missing[marked] = found[len(mean) :]
    return Logit(mean, scale, found[: len(mean)], missing)


def _nanmean(values: NDArray[Any]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=0, dtype=np.float64) / np.maximum(known.sum(axis=0), 1))


def _fit_trees(lessons: Lessons, n_trees: int) -> Any:
    import lightgbm

    labels = np.zeros(len(lessons.features), dtype=np.int8)
    labels[np.concatenate([[0], np.cumsum(lessons.sizes)[:-1]]) + lessons.chosen] = 1
    data = lightgbm.Dataset(lessons.features, labels, group=lessons.sizes)
    return lightgbm.train(TREE, data, num_boost_round=n_trees)


def _booster(text: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=text)
