"""Behaviours are learned from seconds after they came: `trend` and `text_map` between two whole fits.

First all users, some at a time (nothing is live until then); then those with news, every few seconds. What is learned
continues one fit of the generators in one item space: another of either, and all begins anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.retrieval.base import World
from app.services.context import Context
from app.services.follow import GENERATORS, Follower
from app.storage.items import items_to_embed
from app.storage.learned import (
    KIND,
    Told,
    load_told,
    next_users,
    save_learned,
    save_marks,
    start_learning,
    users_with_news,
)
from app.storage.models import LiveModel, live_model
from app.training.dataset import read_log
from app.training.online import Fitted, Learner

# Users a step: at 100 behaviours each it is some seconds of work.
N_USERS = 1_000


@dataclass(slots=True)
class _Course:
    """What was learned until now. `version` is its row of `models`, `about` which fit and space it continues.

    `after` is the last user that the way through all of them has reached, None at its end; `since` is where to look
    for news from.
    """

    learner: Learner
    fitted: Fitted
    about: dict[str, Any]
    version: int
    since: float
    after: str | None = ""


class LearnOnline:
    """One step for the jobs' leader; a number of users when there may be more to do at once."""

    def __init__(self) -> None:
        self._course: _Course | None = None
        self._own: Context | None = None
        self._follower: Follower | None = None

    async def __call__(self, ctx: Context) -> int | None:
        """None before the first whole fit, and while items wait for their vectors: lessons need those."""
        fit = await live_model(ctx.db, GENERATORS)
        if fit is None or await items_to_embed(ctx.db, ctx.encoder.name, 1):
            return None
        world = await self._world(ctx)
        course, self._course = self._course, None  # kept only when all goes well: else what was saved counts
        if course is None or course.about != _about(fit, world):
            course = await _opened(ctx, fit, world)
        n_users = await (_pass(ctx, course, world) if course.after is not None else _follow(ctx, course, world))
        self._course = course
        return n_users

    async def _world(self, ctx: Context) -> World:
        """Catalogue and space as they are now, for this step alone."""
        if self._own is None or self._follower is None:
            self._own = replace(ctx)
            self._follower = Follower(self._own)
            await self._follower.start()
        else:
            await self._follower.step()
        return self._own.world


def _about(fit: LiveModel, world: World) -> dict[str, Any]:
    return {GENERATORS: fit.version, "space": world.space.version}


async def _opened(ctx: Context, fit: LiveModel, world: World) -> _Course:
    """Goes on from the live model where it continues this fit in this space, and begins anew otherwise."""
    about = _about(fit, world)
    fitted = await asyncio.to_thread(lambda: Fitted.read(ctx.store.open(fit.manifest)))
    live = await live_model(ctx.db, KIND)
    if live and live.manifest["about"].items() >= about.items() and await asyncio.to_thread(_intact, ctx, live):
        learner = await asyncio.to_thread(lambda: Learner.read(ctx.store.open(live.manifest)))
        return _Course(learner, fitted, about, live.version, live.manifest["about"]["since"], after=None)
    _, since = await users_with_news(ctx.db, 0.0, 0)
    version = await start_learning(ctx.db, about)
    width = world.space.vectors(np.empty(0, dtype=np.int32)).shape[1]
    return _Course(Learner(width), fitted, about, version, since)


def _intact(ctx: Context, live: LiveModel) -> bool:
    return ctx.store.intact(live.manifest)


async def _pass(ctx: Context, course: _Course, world: World) -> int | None:
    """Some more of all users; after the last of them the model goes live."""
    users = await next_users(ctx.db, course.after or "", N_USERS)
    if users:
        told = await load_told(ctx.db, users)
        await asyncio.to_thread(_take, ctx, course.learner, told, world)
        await save_marks(ctx.db, course.version, told)
        course.after = users[-1]
        return len(users)
    course.after = None
    if course.learner.has_learned:
        await _publish(ctx, course, world, None)
    return None


async def _follow(ctx: Context, course: _Course, world: World) -> int | None:
    users, since = await users_with_news(ctx.db, course.since, N_USERS)
    if len(users) < N_USERS:
        course.since = since
    if not users:
        return None
    told = await load_told(ctx.db, users)
    if await asyncio.to_thread(_take, ctx, course.learner, told, world):
        await _publish(ctx, course, world, told)
    else:
        await save_marks(ctx.db, course.version, told)
    return len(users) if len(users) == N_USERS else None


def _take(ctx: Context, learner: Learner, told: Told, world: World) -> int:
    """How many behaviours there were to learn from, or to take back."""
    merged = read_log(told.merged_csv, ctx.ingest.weights)
    n_back = learner.take_back(merged, world.space.vectors(world.catalogue.rows(merged.item_ids)))
    log = read_log(told.csv, ctx.ingest.weights)
    order = np.argsort(log.at, kind="stable").astype(np.int32)
    vectors = world.space.vectors(world.catalogue.rows(log.item_ids))
    return n_back + learner.take(log.take(order), order >= told.n_known, vectors)


async def _publish(ctx: Context, course: _Course, world: World, told: Told | None) -> None:
    about = course.about | {"since": course.since}
    manifest = await asyncio.to_thread(
        ctx.store.publish,
        KIND,
        lambda folder: course.learner.write(folder, course.fitted, world.space.version),
        about,
    )
    course.version = await save_learned(ctx.db, course.version, manifest, told)
    await asyncio.to_thread(ctx.store.prune, KIND, {manifest["name"]})
