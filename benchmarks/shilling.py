"""What fake users can do: `python -m benchmarks.shilling`.

A part of completejourney (the 1,500 products that were sold most, 500 households). In each attack fake users are added,
each of whom buys one target product, which hardly anybody buys, together with popular ones, all within the last days.
Everything is learned anew, the ranker too, and every honest user gets a slate of 10. Exposure is the share of the
slates that show the target.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.domain.catalogue import Vectors
from app.domain.item import Item
from app.evaluation.events import Columns
from app.evaluation.replay import History
from app.profiles.decay import DAY_S
from app.services.exam import DataSet, data_set
from app.services.portrait_scorer import PortraitScorer
from benchmarks.quality.data import _embedded, completejourney

K, N_POPULAR = 10, 15


@dataclass(frozen=True, slots=True)
class Attack:
    """`share` of fake users, whose behaviours lie in the last `n_days`; each is told `times` times."""

    name: str
    share: float
    n_days: float
    times: int = 1


ATTACKS = (
    Attack("1 %, over the last month", 0.01, 30),
    Attack("5 %, over the last month", 0.05, 30),
    Attack("1 %, all on the last day", 0.01, 1),
    Attack("5 %, all on the last day", 0.05, 1),
    Attack("5 %, last month, each 20 times", 0.05, 30, times=20),
    Attack("50 %, all on the last day: shows that it is measured", 0.5, 1),
)


def fakes(honest: Columns, target: str, attack: Attack, seed: int) -> Columns:
    """What the fake users do: the target and some of the items that are turned to most, in a random order."""
    rng = np.random.default_rng(seed)
    distinct, counts = np.unique(honest.item_ids, return_counts=True)
    popular = distinct[np.argsort(-counts, kind="stable")[:50]].tolist()
    end = float(np.max(honest.at))
    users, item_ids, at = [], [], []
    for number in range(round(attack.share * len(set(honest.user_ids)))):
        items = rng.permutation([*rng.choice(popular, N_POPULAR, replace=False), target]).tolist()
        begin = end - float(rng.uniform(0.02, attack.n_days)) * DAY_S
        for place, item in enumerate(item for item in items for _ in range(attack.times)):
            users.append(f"fake-{number}")
            item_ids.append(item)
            at.append(min(begin + place, end))
    weights = np.ones(len(users), dtype=np.float32)
    return Columns(users, item_ids, np.array(at), weights, [honest.types[0]] * len(users))


def joined(first: Columns, second: Columns) -> Columns:
    return Columns(
        [*first.user_ids, *second.user_ids],
        [*first.item_ids, *second.item_ids],
        np.concatenate([first.at, second.at]),
        np.concatenate([first.weights, second.weights]),
        [*first.types, *second.types],
    )


def exposure(data: DataSet, honest: Sequence[str], targets: Sequence[str]) -> dict[str, float]:
    """By target the share of honest users who have not had it and are shown it, after learning from all of `data`."""
    scorer = PortraitScorer(data.items, data.raw, data.known_at)
    events = data.events
    scorer.fit(events)
    number_of = {user: number for number, user in enumerate(events.vocabulary.user_ids)}
    rows = [events.vocabulary.item_ids.index(target) for target in targets]
    shown, asked = np.zeros(len(rows)), np.zeros(len(rows))
    order = np.argsort(events.users, kind="stable")
    bounds = np.searchsorted(events.users[order], np.arange(events.n_users + 1))
    for user in (number_of[name] for name in honest):
        mine = order[bounds[user] : bounds[user + 1]]
        past = (events.items[mine], events.at[mine], events.weights[mine], events.types[mine])
        scores = scorer.score(History(user, *past, now=float(events.at[-1])))
        slate = np.argsort(-scores, kind="stable")[:K]
        new = ~np.isin(rows, events.items[mine])
        asked += new
        shown += np.isin(rows, slate) & new
    return dict(zip(targets, (shown / np.maximum(asked, 1)).tolist(), strict=True))


def part(n_users: int, n_items: int, cache: Path) -> tuple[Columns, list[Item], Vectors]:
    """The products that were sold most and some households, with the vectors of the products' words."""
    columns, items = completejourney(Path())
    distinct, counts = np.unique(columns.item_ids, return_counts=True)
    chosen = set(distinct[np.argsort(-counts, kind="stable")[:n_items]].tolist())
    users = set(np.random.default_rng(0).choice(np.unique(columns.user_ids), n_users, replace=False).tolist())
    kept = [
        place
        for place, (user, item) in enumerate(zip(columns.user_ids, columns.item_ids, strict=True))
        if user in users and item in chosen
    ]
    some = Columns(
        [columns.user_ids[place] for place in kept],
        [columns.item_ids[place] for place in kept],
        columns.at[kept],
        columns.weights[kept],
        [columns.types[place] for place in kept],
    )
    bought = set(some.item_ids)
    items = sorted((item for item in items if item.item_id in bought), key=lambda item: item.item_id)
    return some, items, _embedded(items, cache / f"shilling-{n_users}-{n_items}.npy")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shilling", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".quality"), help="for embeddings of item texts")
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--items", type=int, default=1500)
    parser.add_argument("--targets", type=int, default=3)
    args = parser.parse_args()
    honest, items, raw = part(args.users, args.items, args.cache)
    row_of = {item.item_id: row for row, item in enumerate(items)}

    def of(columns: Columns) -> DataSet:
        return data_set("shilling", columns, items, lambda known: raw[[row_of[item.item_id] for item in known]])

    distinct, counts = np.unique(honest.item_ids, return_counts=True)
    rare = distinct[np.argsort(counts, kind="stable")[: len(distinct) // 4]]
    targets = np.random.default_rng(1).choice(rare, args.targets, replace=False).tolist()
    users = sorted(set(honest.user_ids))
    before = exposure(of(honest), users, targets)
    print(f"{len(users)} honest users, {len(items):,} items, {len(honest.at):,} behaviours\n")
    print("| attack | before | after | rise, points | target by target | seconds |\n|---|---:|---:|---:|---|---:|")
    for attack in ATTACKS:
        started, after = time.perf_counter(), []
        for number, target in enumerate(targets):
            attacked = of(joined(honest, fakes(honest, target, attack, number)))
            after.append(exposure(attacked, users, [target])[target])
        was, now = 100 * np.mean(list(before.values())), 100 * np.mean(after)
        each = ", ".join(f"{100 * (one - before[target]):+.1f}" for target, one in zip(targets, after, strict=True))
        took = time.perf_counter() - started
        print(f"| {attack.name} | {was:.1f} % | {now:.1f} % | {now - was:+.1f} | {each} | {took:.0f} |", flush=True)


if __name__ == "__main__":
    main()
