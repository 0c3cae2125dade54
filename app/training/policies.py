"""Learned policies on disk: `policies.json` holds the mixtures, `ranker-<policy>.*` the rankers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from app.ranking.ranker import Lessons, Ranker, fit_ranker, load_ranker
from app.retrieval.base import Policy
from app.retrieval.features import NAMES
from app.training.mixture import mixed, mixture_of

_FILE = "policies.json"


def learn_policy(lessons: Lessons) -> Policy:
    weights = mixture_of(lessons)
    return Policy(weights, fit_ranker(replace(lessons, features=mixed(lessons.features, weights))))


def save_policies(policies: Mapping[str, Policy], folder: Path) -> None:
    (folder / _FILE).write_text(json.dumps({name: dict(policy.weights) for name, policy in policies.items()}))
    for name, policy in policies.items():
        if isinstance(policy.ranker, Ranker):
            policy.ranker.save(folder, f"ranker-{name}")


def load_policies(folder: Path) -> dict[str, Policy]:
    """Those that look at the features of this release."""
    path = folder / _FILE
    mixtures = json.loads(path.read_text()) if path.exists() else {}
    rankers = {name: load_ranker(folder, f"ranker-{name}") for name in mixtures}
    return {
        name: Policy(weights, rankers[name])
        for name, weights in mixtures.items()
        if (ranker := rankers[name]) is None or ranker.names == NAMES
    }
