"""One model from the log: the generators, and for each policy how far to trust them.

log until .85 -> generators -> requests after it: lessons | newest third: judgement
the whole log -> generators, with the policies that won
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.catalogue import Catalogue, ItemSpace
from app.domain.progress import Progress, unwatched
from app.profiles.decay import HalfLives
from app.retrieval.base import Log, Policy, World
from app.retrieval.load import load_generators
from app.training.generators import fit_generators
from app.training.judge import Judged, judge_policy
from app.training.lessons import Request, lessons_of, requests
from app.training.policies import learn_policy, save_policies

# Policies learn from the newest part of the log, with generators that know the rest ...
LESSONS_FROM = 0.85
# ... and are judged by the newest of it.
JUDGED_FROM = 0.95
LEAST_LESSONS = 100
SEED = 1
TOO_FEW = "Too few behaviours to learn an order from: the sources rank in their plain mixture."


@dataclass(frozen=True, slots=True)
class Learned:
    """`write` puts the model into a folder; `judged` tells by policy who won and by how much."""

    write: Callable[[Path], None]
    judged: dict[str, Judged]

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


def learn(
    log: Log,
    catalogue: Catalogue,
    space: ItemSpace,
    half_lives: HalfLives,
    champion: Mapping[str, Policy] | None = None,
    report: Progress = unwatched,
) -> Learned:
    """`report` hears (share done, stage) and may raise to end it. Blocking, seconds to minutes."""
    judged = _policies(log, catalogue, space, half_lives, champion or {}, report)
    report(0.7, "fitting the generators on the whole log")
    write_generators = fit_generators(log, catalogue, space)

    def write(folder: Path) -> None:
        write_generators(folder)
        save_policies({name: one.winner for name, one in judged.items()}, folder)

    report(1.0, "done")
    return Learned(write, judged)


def _policies(
    log: Log,
    catalogue: Catalogue,
    space: ItemSpace,
    half_lives: HalfLives,
    champion: Mapping[str, Policy],
    report: Progress,
) -> dict[str, Judged]:
    start, middle = (float(log.at[int(share * len(log.at))]) for share in (LESSONS_FROM, JUDGED_FROM))
    past = log.until(start)
    if not (past.weights > 0).any():
        return {}
    report(0.05, "fitting the generators on the older part of the log")
    with tempfile.TemporaryDirectory() as folder:
        fit_generators(past, catalogue, space)(Path(folder))
        world = World(catalogue, space, load_generators(Path(folder), catalogue, space), "lessons")
    report(0.25, "asking what people did next")
    asked = requests(log, start, world, half_lives, SEED)
    found: dict[str, Judged] = {}
    for number, (name, some) in enumerate(asked.items()):
        report(0.5 + 0.1 * number, f"ranking: {name}")
        found |= _judged(name, some, middle, world, champion.get(name))
    return found


def _judged(name: str, asked: list[Request], middle: float, world: World, champion: Policy | None) -> dict[str, Judged]:
    """Learned without the newest requests to be judged by them, then with them to serve."""
    old = lessons_of([one for one in asked if one.at < middle])
    if old is None or len(old) < LEAST_LESSONS:
        return {}
    judged = judge_policy(learn_policy(old), champion, [one for one in asked if one.at >= middle], world)
    whole = lessons_of(asked)
    return {name: judged.serving(learn_policy(whole)) if judged.challenger_won and whole else judged}
