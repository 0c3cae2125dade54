"""One model from the log: the generators, and for each policy how far to trust them.

log until .85 -> generators -> requests after it: lessons | newest third: judgement
the whole log -> generators, with the policies that won
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.errors import InvalidInput
from app.domain.progress import Progress, part, unwatched
from app.profiles.decay import HalfLives
from app.retrieval.base import Log, Policy, World
from app.retrieval.caps import capped
from app.training.budget import require_budgets
from app.training.decoder import DecoderSettings, TrainedDecoder, train_decoder
from app.training.generators import fit_generators
from app.training.judge import DECODER, Judged, earns_its_place, judge_policy, listens, without
from app.training.lessons import Request, lessons_of, requests
from app.training.people import fit_people
from app.training.policies import learn_policy, save_policies
from app.training.worlds import load_world

# Policies learn from the newest part of the log, with generators that know the rest ...
LESSONS_FROM = 0.85
# ... and are judged by the newest of it.
JUDGED_FROM = 0.95
LEAST_LESSONS = 100
SEED = 1
# Goes up when a folder holds something else, or rankers look at other features: older models are then learned anew.
FORMAT = 3
TOO_FEW = "Too few behaviours to learn an order from: what ranked goes on, or else the plain mixture of the sources."

# With a budget: so many steps whatever the log, 4 to 5 minutes on one core. Few steps have to go far
# (benchmarks/LOG.md), and the fewer items a user is weighed against, the faster they are.
PRIVATE_STEPS = 300
PRIVATE = DecoderSettings(batch=64, learning_rate=0.02, full_softmax_items=0, n_negatives=512)


@dataclass(frozen=True, slots=True)
class Learned:
    """`write` puts the model into a folder; `judged` tells by policy who won and by how much; `about` is for the record
    of the model: what its decoder tells of any one user, where that is limited.
    """

    write: Callable[[Path], None]
    judged: dict[str, Judged]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> dict[str, Any]:
        """As JSON, for the record of the model: who ranks and why, and NDCG@10 by policy and contender."""
        reasons = [f"{name}: {one.outcome} {' '.join(one.verdict.reasons)}" for name, one in self.judged.items()]
        figures = {
            f"{name}, {contender}": round(value, 5)
            for name, one in self.judged.items()
            for contender, value in one.ndcg.items()
        }
        return {"promoted": True, "reasons": reasons or [TOO_FEW], "figures": figures}


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is learned. The decoder gets `decoder_minutes` each time it is trained, 0 leaves it out.

    An interrupted training of it goes on from its checkpoint in `scratch`. With `decoder_epsilon` no user tells it more
    than that.
    """

    half_lives: HalfLives = field(default_factory=HalfLives)
    decoder_minutes: float = 0.0
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()) / "portrait-training")
    decoder_epsilon: float | None = None

    @property
    def is_private(self) -> bool:
        return self.decoder_minutes > 0 and self.decoder_epsilon is not None


@dataclass(frozen=True, slots=True)
class Sources:
    """Each of `writers` puts some of them into a folder; `about` as in `Learned`."""

    writers: list[Callable[[Path], None]]
    about: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        for writer in self.writers:
            writer(folder)


def learn(
    log: Log,
    catalogue: Catalogue,
    space: ItemSpace,
    plan: Plan,
    champion: Mapping[str, Policy] | None = None,
    report: Progress = unwatched,
) -> Learned:
    """`report` hears (share done, stage) and may raise to end it. Blocking, seconds to minutes.

    Raises `Misconfigured` where the decoder is to be private and cannot be.
    """
    if plan.is_private:
        require_budgets()
    judged = _policies(log, catalogue, space, plan, champion or {}, part(report, 0.0, 0.65))
    # A policy that nobody could judge this time is the champion's: what it was proven by has not become wrong.
    policies = {**(champion or {}), **{name: one.winner for name, one in judged.items()}}
    needs_decoder = any(listens(policy, DECODER) for policy in policies.values())
    sources = fit_sources(log, catalogue, space, plan, needs_decoder, part(report, 0.65, 1.0))

    def write(folder: Path) -> None:
        sources.write(folder)
        save_policies(policies, folder)

    report(1.0, "done")
    return Learned(write, judged, sources.about)


def fit_sources(
    log: Log, catalogue: Catalogue, space: ItemSpace, plan: Plan, with_decoder: bool, report: Progress
) -> Sources:
    """Every source from this log, for the decoder only where it is wanted and there is enough to train it."""
    report(0.0, "fitting the sources")
    writers = [fit_generators(log, catalogue, space), fit_people(log, catalogue, plan.half_lives)]
    trained = _decoder(log, catalogue, space, plan, part(report, 0.4, 1.0)) if with_decoder else None
    if trained is None:
        return Sources(writers)
    privacy = trained.about.get("privacy")
    return Sources([*writers, trained.write], {"decoder_privacy": privacy} if privacy else {})


def _decoder(log: Log, catalogue: Catalogue, space: ItemSpace, plan: Plan, report: Progress) -> TrainedDecoder | None:
    wanted = capped(log.wanted()).compact()
    vectors = space.vectors(catalogue.rows(wanted.item_ids))
    settings = _decoder_settings(plan, len(np.unique(wanted.users)))
    try:
        return train_decoder(wanted, vectors, settings, report, plan.scratch / f"decoder-{len(log.at)}")
    except InvalidInput:
        return None


def _decoder_settings(plan: Plan, n_users: int) -> DecoderSettings:
    if not plan.is_private:
        return DecoderSettings(minutes=plan.decoder_minutes)
    n_passes = PRIVATE_STEPS / max(1, ceil(n_users / PRIVATE.batch))
    return replace(PRIVATE, minutes=plan.decoder_minutes, n_passes=n_passes, epsilon=plan.decoder_epsilon)


def _policies(
    log: Log, catalogue: Catalogue, space: ItemSpace, plan: Plan, champion: Mapping[str, Policy], report: Progress
) -> dict[str, Judged]:
    start, middle = (float(log.at[int(share * len(log.at))]) for share in (LESSONS_FROM, JUDGED_FROM))
    past = log.until(start)
    if not (past.weights > 0).any():
        return {}
    sources = fit_sources(past, catalogue, space, plan, plan.decoder_minutes > 0, part(report, 0.0, 0.5))
    with tempfile.TemporaryDirectory() as folder:
        sources.write(Path(folder))
        world = load_world(Path(folder), catalogue, space, "lessons")
    report(0.5, "asking what people did next")
    asked = requests(log, start, world, plan.half_lives, SEED)
    found: dict[str, Judged] = {}
    for number, (name, some) in enumerate(asked.items()):
        report(0.8 + 0.1 * number, f"ranking: {name}")
        found |= _judged(name, some, middle, world, champion.get(name))
    return found


def _judged(name: str, asked: list[Request], middle: float, world: World, champion: Policy | None) -> dict[str, Judged]:
    """Learned without the newest requests to be judged by them, then with them to serve."""
    old, new = [one for one in asked if one.at < middle], [one for one in asked if one.at >= middle]
    if not _enough(old):
        return {}
    if not earns_its_place(DECODER, old, new, world):
        asked, old, new = (without(DECODER, some) for some in (asked, old, new))
    judged = judge_policy(learn_policy(lessons_of(old)), champion, new, world)
    return {name: judged.serving(learn_policy(lessons_of(asked))) if judged.challenger_won else judged}


def _enough(asked: list[Request]) -> bool:
    return sum(one.place >= 0 for one in asked) >= LEAST_LESSONS
