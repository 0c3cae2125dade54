"""Competitors that factor the user-item matrix, by the library `implicit`.

A history is folded in when it is asked for, so that they know new users and new behaviours as everybody else does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from app.domain.catalogue import Rows
from app.evaluation.baselines.pairs import LIMIT, places_of, user_item
from app.evaluation.events import Events, Floats
from app.evaluation.replay import History


class _Factors:
    """`tau` fades a history by position, in confidence (iALS) or in its mean (BPR)."""

    def __init__(self, tau: float | None, factors: int) -> None:
        self.tau, self._n_factors = tau, factors

    def fit(self, events: Events) -> None:
        from threadpoolctl import threadpool_limits

        self._items, taken = user_item(events, LIMIT)
        with threadpool_limits(1, "blas"):  # implicit asks for it: it runs threads of its own
            self._model = self._new_model()
            self._model.fit(taken, show_progress=False)
        self._factors: Floats = np.asarray(self._model.item_factors)

    def score(self, history: History) -> Floats:
        places, weights = places_of(self._items, history, self.tau)
        return self._items.spread(self._factors @ self._user(places, weights))

    def _new_model(self) -> Any:
        raise NotImplementedError

    def _user(self, places: Rows, weights: Floats) -> Floats:
        raise NotImplementedError


class Ials(_Factors):
    """Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008)."""

    def __init__(
        self, tau: float | None = None, factors: int = 64, regularization: float = 0.01, alpha: float = 1.0
    ) -> None:
        super().__init__(tau, factors)
        self._options = {"regularization": regularization, "alpha": alpha}

    def _new_model(self) -> Any:
        from implicit.als import AlternatingLeastSquares

        return AlternatingLeastSquares(self._n_factors, **self._options, iterations=15, random_state=1)

    def _user(self, places: Rows, weights: Floats) -> Floats:
        row = sparse.csr_matrix((weights, (np.zeros(len(places), np.int32), places)), shape=(1, len(self._items)))
        return np.asarray(self._model.recalculate_user(0, row)).ravel()


class Bpr(_Factors):
    """Rendle, Freudenthaler, Gantner, Schmidt-Thieme, "BPR" (UAI 2009); a user is the mean of their items.

    One thread: with more of them, two fits of the same events differ.
    """

    def __init__(
        self, tau: float | None = None, factors: int = 64, learning_rate: float = 0.05, regularization: float = 0.01
    ) -> None:
        super().__init__(tau, factors)
        self._options = {"learning_rate": learning_rate, "regularization": regularization}

    def _new_model(self) -> Any:
        from implicit.bpr import BayesianPersonalizedRanking

        options: dict[str, Any] = {"iterations": 100, "random_state": 1, "num_threads": 1}
        return BayesianPersonalizedRanking(self._n_factors, **self._options, **options)

    def _user(self, places: Rows, weights: Floats) -> Floats:
        factors = self._factors[places]
        # implicit keeps the items' biases in the last column, which a user answers with 1
        user: Floats = weights @ factors / max(float(weights.sum()), 1e-12)
        user[-1] = 1.0
        return user
