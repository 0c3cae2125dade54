"""Portrait under exam: the events of an exam go through the very code that serves."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.domain.catalogue import Catalogue, Mask, Vectors
from app.domain.item import Item
from app.evaluation.events import Events, Floats, Times
from app.evaluation.replay import History, Track
from app.index import snapshot
from app.index.faiss_space import FaissSpace
from app.ranking.filters import had_by
from app.retrieval.base import Log, World
from app.retrieval.candidates import gather, rerank
from app.retrieval.query import build_query, taste_of
from app.services.rank import N_CANDIDATES
from app.training.generators import fit_generators
from app.training.lessons import Memory
from app.training.pipeline import Plan, learn
from app.training.worlds import load_world

POLICIES = {Track.NEW: "new", Track.REPEATS: "repeats"}
# What is no candidate stands behind all that are, by how popular it is.
_BEHIND = -1e3


class PortraitScorer:
    """Item v of the exam is row v of its catalogue. `raw` (V, D) are embeddings, NaN where an item has no text.

    An item is a candidate from `known_at` (V,) on. `track` is set from outside: what was had is filtered before
    ranking. The first fit learns everything, the next ones renew the sources and keep the policies, as a service does
    whose challengers lose.
    """

    def __init__(self, items: Sequence[Item], raw: Vectors, known_at: Times, plan: Plan | None = None) -> None:
        self.track = Track.NEW
        self._catalogue = Catalogue(items)
        self._raw, self._known_at = raw, known_at
        self._plan = plan or Plan()
        self._half_lives = self._plan.half_lives
        self._world: World | None = None
        self._learned_from = 0  # behaviours

    def fit(self, events: Events) -> None:
        if self._world is not None and self._learned_from == len(events):
            return
        self._learned_from = len(events)
        self._space = self._space_at(float(events.at[-1]))
        self._memory = Memory(events.vocabulary.item_ids, events.vocabulary.types, self._half_lives)
        with tempfile.TemporaryDirectory() as folder:
            if self._world is None:
                learn(log_of(events), self._catalogue, self._space, self._plan).write(Path(folder))
            else:
                fit_generators(log_of(events), self._catalogue, self._space)(Path(folder))
            world = load_world(Path(folder), self._catalogue, self._space, "exam")
        self._world = world if self._world is None else replace(world, policies=self._world.policies)
        counts = np.bincount(events.wanted().items, minlength=events.n_items)
        self._behind = (_BEHIND + counts / (counts.max() + 1.0)).astype(np.float32)

    def score(self, history: History) -> Floats:
        if (world := self._world) is None:
            raise RuntimeError("asked before it was fitted")
        state = self._memory.after(history.user, history.items, history.at, history.weights, history.types)
        known = self._catalogue.rows(state.items)
        taste = taste_of(state, known, world, self._half_lives)
        allowed: Mask = self._known_at <= history.now
        if self.track is Track.NEW:
            allowed[had_by(state, known).seen] = False
        query = build_query(taste, allowed, history.now, N_CANDIDATES, self._half_lives)
        policy = world.policy(POLICIES[self.track])
        fused = rerank(world, query, gather(world, query, policy), policy)
        scores = self._behind.copy()
        scores[fused.rows] = np.log(np.maximum(fused.scores, 1e-30))
        return np.asarray(scores)

    def _space_at(self, moment: float) -> FaissSpace:
        """The published space of what was known then; what came later is put in as it comes."""
        has_text = np.isfinite(self._raw).all(axis=1)
        rows = np.arange(len(self._raw), dtype=np.int32)
        old = rows[has_text & (self._known_at <= moment)]
        items = [self._catalogue.items[row] for row in old.tolist()]
        raw = self._raw.astype(np.float16)
        space = FaissSpace(snapshot.build("exam", items, raw[old]) if items else None)
        served = space.claim([item.item_id for item in items], old, snapshot.fingerprints(raw[old]))
        left = np.setdiff1d(rows[has_text], old[served])
        space.put_many(left, raw[left])
        return space


def log_of(events: Events) -> Log:
    names = events.vocabulary
    return Log(
        users=events.users,
        items=events.items,
        at=events.at,
        weights=events.weights,
        types=events.types,
        n_users=events.n_users,
        item_ids=list(names.item_ids),
        type_names=list(names.types),
    )
