"""From a query to the candidates that are worth showing, in the order of a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from app.retrieval import wished
from app.retrieval.base import Floats, Policy, Query, World
from app.retrieval.features import LEAST, features
from app.retrieval.fuse import Fused, fuse
from app.retrieval.statement import Statements

# The best of all sources together, or more where more are asked for. Trees look at 200 of them in .9 ms.
N_RANKED = 200
EVEN: Mapping[str, float] = MappingProxyType({})


def heard(world: World, scales: Mapping[str, float]) -> World:
    """Without the sources that are switched off, so that nothing of them reaches mixture, features or reasons."""
    off = {source for source, scale in scales.items() if scale == 0}
    if not off:
        return world
    return replace(world, generators=tuple(one for one in world.generators if one.name not in off))


def gather(world: World, query: Query, policy: Policy, scales: Mapping[str, float] = EVEN) -> Fused:
    """What every source says, put together; the best with the parts as they are scaled, in the order of the plain
    mixture.
    """
    lists = [(generator.name, generator.score(query)) for generator in world.generators]
    if query.wished:
        lists.append((wished.NAME, wished.wished(lists, query, policy.weights)))
    fused = fuse(lists, policy.weights)
    keep = _best(fused, scales, max(N_RANKED, query.n))
    if query.wished:
        keep |= np.isin(fused.rows, lists[-1][1].rows)
    return taken(fused, np.flatnonzero(keep))


def _best(fused: Fused, scales: Mapping[str, float], n: int) -> NDArray[np.bool_]:
    keep = np.arange(len(fused.rows)) < n
    if scales and not keep.all():
        scaled = _scales(fused.sources, scales) @ fused.parts
        keep = np.isin(np.arange(len(keep)), np.argsort(-scaled, kind="stable")[:n])
    return keep


def rerank(world: World, query: Query, fused: Fused, policy: Policy) -> Fused:
    """By the learned ranker where there is one; scores stay chances.

    What was said in words is meant, and no log can teach that: it is added to what the ranker says, as in the mixture.
    """
    if policy.ranker is None or not len(fused.rows):
        return fused
    table = features(query, fused, world)
    odds = policy.ranker.score(table)
    scores = np.exp(odds - odds.max())
    scores /= scores.sum()
    if Statements.name in fused.sources:
        scores += fused.parts[fused.sources.index(Statements.name)]
    return taken(fused._replace(scores=scores, table=table), np.argsort(-scores, kind="stable"))


def tilted(fused: Fused, scales: Mapping[str, float]) -> Fused:
    """Each score times how much the mixture of that item grows when its parts are scaled.

    For the plain mixture that is scaling the parts. A ranker's chance moves by as much: a source cannot be scaled in
    what a ranker reads, since it knows logarithms only, and they would shift all alike.
    """
    if not scales or not len(fused.rows):
        return fused
    parts = fused.parts * _scales(fused.sources, scales)[:, None]
    plain = fused.parts.sum(axis=0)
    growth = np.divide(parts.sum(axis=0), plain, out=np.ones_like(plain), where=plain > 0)
    return lifted(fused._replace(parts=parts), growth)


def lifted(fused: Fused, factors: Floats) -> Fused:
    """Scores times (N,) factors, in their new order."""
    scores = (fused.scores * factors).astype(fused.scores.dtype)
    lift = np.log(np.maximum(factors, LEAST)).astype(np.float32) + (0 if fused.lift is None else fused.lift)
    return taken(fused._replace(scores=scores, lift=lift), np.argsort(-scores, kind="stable"))


def taken(fused: Fused, places: slice | NDArray[np.int64]) -> Fused:
    """Some of the candidates, in this order."""
    table = None if fused.table is None else fused.table[places]
    return Fused(
        fused.rows[places],
        fused.scores[places],
        fused.parts[:, places],
        fused.chances[:, places],
        fused.sources,
        table,
        None if fused.lift is None else fused.lift[places],
    )


def _scales(sources: Sequence[str], scales: Mapping[str, float]) -> Floats:
    return np.array([scales.get(source, 1.0) for source in sources], dtype=np.float32)
