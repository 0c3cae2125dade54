"""SASRec of RecTools as a competitor.

Kang, McAuley, "Self-Attentive Sequential Recommendation" (ICDM 2018), trained with the full softmax, which is what
makes it strong (Klenitskiy, Vasilev, "Turning Dross Into Gold Loss", RecSys 2023): two blocks, two heads, d 64.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from app.evaluation.events import Events, Floats, first_seen
from app.evaluation.metrics import mean, ndcg_at
from app.evaluation.replay import History, Mode, Outcome, Track, replay, sampled, set_exam
from app.evaluation.tuning import Fitted
from benchmarks.sasrec.windows import windows_of

VALIDATION_FROM = 0.9
N_QUERIES = 1_000
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long it may train: until `patience` epochs brought nothing, at most `epochs`, at most `minutes` of searching.

    The minutes are shared evenly by the dropouts that are tried: small catalogues want more of it.
    """

    minutes: float = 30.0
    epochs: int = 200
    patience: int = 15
    length: int = 50
    width: int = 64
    dropouts: tuple[float, ...] = (0.2, 0.5)
    learning_rate: float = 1e-3
    batch: int = 32


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a search came to."""

    dropout: float
    n_epochs: int
    ndcg: float


class SasRec:
    """The first fit finds dropout and epochs on the newest tenth; each trains anew on everything with these.

    A long history is cut into windows, so that nothing of it is lost. Users without a known item get what is popular.
    """

    def __init__(self, plan: Plan, say: Say = lambda _: None) -> None:
        self._plan, self._say = plan, say
        self.chosen: Chosen | None = None

    def fit(self, events: Events) -> None:
        self._counts = np.bincount(events.wanted().items, minlength=events.n_items).astype(np.float32)
        if self.chosen is None:
            self.chosen = max(
                (self._search(events, dropout) for dropout in self._plan.dropouts), key=lambda one: one.ndcg
            )
        self._take(self._trained(events, self.chosen))

    def score(self, history: History) -> Floats:
        places = self._place[history.items[history.weights > 0]]
        places = places[places > 0][-self._plan.length :]
        if not len(places):
            return self._counts
        session = torch.zeros((1, self._plan.length), dtype=torch.long)
        session[0, -len(places) :] = torch.from_numpy(places)
        with torch.inference_mode():
            taste = self._net.encode_sessions({"x": session}, self._item_vectors)[0, -1]
            values = (self._item_vectors @ taste).numpy()
        scores = np.full(len(self._place), np.nan, dtype=np.float32)
        known = self._place > 0
        scores[known] = values[self._place[known]]
        return scores

    def _search(self, events: Events, dropout: float) -> Chosen:
        """The epoch after which NDCG@10 on the newest tenth was best, in the mean of both tracks."""
        start = events.row_at(float(events.at[int(VALIDATION_FROM * len(events))]))
        exam = sampled(set_exam(events, start, first_seen(events)), N_QUERIES, seed=0)
        model, frame = self._model(dropout), self._frame(events.take(slice(0, start)))
        best, began = Chosen(dropout, 1, -1.0), time.monotonic()
        for epoch in range(1, self._plan.epochs + 1):
            model.fit_partial(frame, min_epochs=1, max_epochs=1)
            self._take(model)
            value = _ndcg(replay(Fitted(self), exam, Mode.UPDATED))
            minutes = (time.monotonic() - began) / 60
            self._say(f"dropout {dropout}, epoch {epoch}: NDCG@10 {value:.4f}, {minutes:.1f} min")
            if value > best.ndcg:
                best = Chosen(dropout, epoch, value)
            if epoch - best.n_epochs >= self._plan.patience or minutes * len(self._plan.dropouts) > self._plan.minutes:
                break
        return best

    def _trained(self, events: Events, chosen: Chosen) -> Any:
        model, frame = self._model(chosen.dropout), self._frame(events)
        model.fit_partial(frame, min_epochs=chosen.n_epochs, max_epochs=chosen.n_epochs)
        return model

    def _take(self, model: Any) -> None:
        """The net and the place of each item in it; 0 is padding, and stands for items it has not seen."""
        self._net = model.torch_model.eval()
        with torch.inference_mode():
            self._item_vectors = self._net.item_model.get_all_embeddings()
        known = model.data_preparator.get_known_item_ids().astype(np.int64)
        self._place = np.zeros(len(self._counts), dtype=np.int64)
        self._place[known] = model.data_preparator.get_known_items_sorted_internal_ids()

    def _model(self, dropout: float) -> Any:
        from pytorch_lightning import seed_everything
        from rectools.models import SASRecModel
        from rectools.models.nn.item_net import IdEmbeddingsItemNet

        seed_everything(1, verbose=False)
        plan = self._plan
        return SASRecModel(
            n_blocks=2,
            n_heads=2,
            n_factors=plan.width,
            dropout_rate=dropout,
            session_max_len=plan.length,
            loss="softmax",
            lr=plan.learning_rate,
            batch_size=plan.batch,
            item_net_block_types=(IdEmbeddingsItemNet,),
        )

    def _frame(self, events: Events) -> Any:
        from rectools import Columns
        from rectools.dataset import Dataset

        wanted = events.wanted()
        order = np.argsort(wanted.users, kind="stable")
        users = wanted.users[order]
        windows = windows_of(users, self._plan.length)
        frame = pd.DataFrame(
            {
                Columns.User: windows,
                Columns.Item: wanted.items[order],
                Columns.Weight: 1.0,
                # rows stand in order already; one second each keeps it, and two windows of a user never mix
                Columns.Datetime: pd.to_datetime(np.arange(len(users)), unit="s"),
            }
        )
        return Dataset.construct(frame)


def _ndcg(outcomes: Mapping[Track, Outcome]) -> float:
    return mean(np.array([mean(ndcg_at(one.records["rank"], 10)) for one in outcomes.values() if len(one.records)]))
