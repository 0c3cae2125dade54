"""Each worker's world keeps up: items as they change, models as they are promoted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from app.domain.catalogue import Catalogue
from app.domain.errors import PortraitError
from app.index import snapshot
from app.index.faiss_space import FaissSpace
from app.retrieval.base import World
from app.retrieval.load import load_online
from app.services.context import Context
from app.services.publish_space import KIND as SPACE
from app.storage.changes import changed_items, latest_change
from app.storage.items import StoredItem, load_items, stream_items
from app.storage.learned import KIND as ONLINE
from app.storage.models import LiveModel, live_model
from app.training.worlds import load_world

log = logging.getLogger(__name__)
T = TypeVar("T")

GENERATORS = "generators"
# Items between two breaths of the event loop: about 15 ms.
CHUNK = 500


class Follower:
    """Replaces `ctx.world`; the one writer of its catalogue and space.

    `problems` tells by kind (`space`, `generators`, `online`) why the live model is not the one that serves.
    """

    def __init__(self, ctx: Context) -> None:
        self.problems: dict[str, str] = {}
        self._ctx = ctx
        self._lock = asyncio.Lock()
        self._space = FaissSpace()
        self._encoder: str | None = None  # whose vectors the space holds; None before the first load
        self._change_no = 0
        self._seen: dict[str, int] = {}  # version of each kind that was looked at last
        self._serving: dict[str, int] = {}
        self._fitted: Path | None = None
        self._online: tuple[LiveModel, Path] | None = None

    async def start(self) -> None:
        """Loads everything anew. Raises Unavailable while the database is away."""
        async with self._lock:
            await self._ctx.scenarios.refresh(self._ctx.db)
            await self._load()

    async def step(self) -> None:
        """Brings in what has changed since the last step. Raises Unavailable while the database is away."""
        async with self._lock:
            await self._ctx.scenarios.refresh(self._ctx.db)
            if self._encoder == self._ctx.encoder.name:
                await self._follow_items()
                await self._follow_models()
            else:
                await self._load()

    async def _load(self) -> None:
        encoder, change_no = self._ctx.encoder.name, await latest_change(self._ctx.db)
        self._seen, self._serving, self._encoder = {}, {}, None
        catalogue, live = Catalogue(), await self._newer()
        space = await self._open_space(live.get(SPACE), encoder) or FaissSpace()
        async for chunk in _chunks(stream_items(self._ctx.db)):
            _put(catalogue, space, chunk, encoder)
            await asyncio.sleep(0)
        await self._open_fitted(live.get(GENERATORS))
        await self._open_online(live.get(ONLINE))
        self._change_no = change_no
        await self._show(catalogue, space)
        self._encoder = encoder
        self._mark_seen(live)

    async def _follow_items(self) -> None:
        newest, item_ids = await changed_items(self._ctx.db, self._change_no)
        if not item_ids:
            return
        world = self._ctx.world
        n_rows = world.catalogue.n_rows
        await self._refresh(world.catalogue, self._space, item_ids)
        self._change_no = newest
        if world.catalogue.n_rows > n_rows:  # generators know only the rows that were there when they were loaded
            await self._show(world.catalogue, self._space)
        else:
            # Another object, for whoever keeps answers by their world.
            self._ctx.world = replace(world, catalogue_version=newest)

    async def _follow_models(self) -> None:
        live = await self._newer()
        if not live:
            return
        catalogue = self._ctx.world.catalogue
        swapped = await self._open_space(live.get(SPACE), self._encoder)
        if swapped:
            left = await asyncio.to_thread(_take_over, catalogue, self._space, swapped)
            await self._refresh(catalogue, swapped, left)
        refitted = await self._open_fitted(live.get(GENERATORS))
        updated = await self._open_online(live.get(ONLINE))
        if refitted or swapped:
            await self._show(catalogue, swapped or self._space)
        elif updated:
            self._ctx.world = await asyncio.to_thread(self._updated, self._ctx.world)
        self._mark_seen(live)

    async def _newer(self) -> dict[str, LiveModel]:
        """The live models that were not looked at yet, by kind."""
        live = {kind: await live_model(self._ctx.db, kind) for kind in (SPACE, GENERATORS, ONLINE)}
        return {kind: one for kind, one in live.items() if one and one.version != self._seen.get(kind)}

    def _mark_seen(self, live: dict[str, LiveModel]) -> None:
        """Only now, so that what the database cut short is begun anew; a refused one is not tried every second."""
        self._seen |= {kind: one.version for kind, one in live.items()}

    async def _refresh(self, catalogue: Catalogue, space: FaissSpace, item_ids: Sequence[str]) -> None:
        """Reads the items again; those that are no longer there leave."""
        for start in range(0, len(item_ids), CHUNK):
            chunk = item_ids[start : start + CHUNK]
            stored = await load_items(self._ctx.db, chunk)
            for item_id in set(chunk) - {one.item.item_id for one in stored}:
                if (row := catalogue.row_of.get(item_id)) is not None:
                    catalogue.remove(item_id)
                    space.remove(row)
            _put(catalogue, space, stored, self._encoder)
            await asyncio.sleep(0)

    async def _open_space(self, live: LiveModel | None, encoder: str | None) -> FaissSpace | None:
        if live is None or live.manifest["about"]["encoder"] != encoder:
            return None

        def read() -> FaissSpace:
            return FaissSpace(snapshot.read(self._ctx.store.open(live.manifest)), str(live.manifest["name"]))

        return await self._opened(live, SPACE, read)

    async def _open_fitted(self, live: LiveModel | None) -> bool:
        if live is None:
            return False
        found = await self._opened(live, GENERATORS, lambda: self._ctx.store.open(live.manifest))
        self._fitted = found or self._fitted
        return found is not None

    async def _open_online(self, live: LiveModel | None) -> bool:
        if live is None:
            return False
        found = await self._opened(live, ONLINE, lambda: self._ctx.store.open(live.manifest))
        self._online = (live, found) if found else self._online
        return found is not None

    async def _opened(self, live: LiveModel, kind: str, read: Callable[[], T]) -> T | None:
        """None when it is refused: what served before goes on."""
        try:
            found = await asyncio.to_thread(read)
        except Exception as error:  # checked bytes that cannot be read all the same are of another release
            self._refuse(kind, error)
            return None
        self.problems.pop(kind, None)
        self._serving[kind] = live.version
        return found

    def _refuse(self, kind: str, error: Exception) -> None:
        self.problems[kind] = error.detail if isinstance(error, PortraitError) else f"The live {kind} cannot be read."
        log.error("%s refused, the last good one goes on: %s (%s)", kind, self.problems[kind], type(error).__name__)

    async def _show(self, catalogue: Catalogue, space: FaissSpace) -> None:
        world = await asyncio.to_thread(self._world, catalogue, space)
        self._ctx.world = replace(world, catalogue_version=self._change_no)
        self._space = space

    def _world(self, catalogue: Catalogue, space: FaissSpace) -> World:
        try:
            return self._updated(load_world(self._fitted, catalogue, space, self._version()))
        except Exception as error:  # as in `_opened`; the generators that need no fit always load
            self._refuse(GENERATORS, error)
            self._fitted = None
            self._serving.pop(GENERATORS, None)
            return load_world(None, catalogue, space, self._version())

    def _updated(self, world: World) -> World:
        """With what was learned since the whole fit, where it continues this very fit in this very space."""
        if self._online is None:
            return world
        live, folder = self._online
        continues = {GENERATORS: self._serving.get(GENERATORS), "space": world.space.version}
        if not live.manifest["about"].items() >= continues.items():
            return world
        try:
            newer = load_online(folder, world.catalogue, world.space)
        except Exception as error:  # as in `_opened`
            self._refuse(ONLINE, error)
            return world
        generators = tuple(newer.get(one.name, one) for one in world.generators)
        return replace(world, generators=generators, model_version=f"{self._version()}.online-{live.version}")

    def _version(self) -> str:
        return f"space-{self._serving.get(SPACE, 0)}.generators-{self._serving.get(GENERATORS, 0)}"


def _put(catalogue: Catalogue, space: FaissSpace, stored: Sequence[StoredItem], encoder: str | None) -> None:
    placed: list[tuple[str, int, bytes]] = []
    for one in stored:
        row = catalogue.put(one.item)
        if one.embedding and one.embedded_by == encoder:
            placed.append((one.item.item_id, row, one.embedding))
        else:
            space.remove(row)
    if not placed:
        return
    raw = np.frombuffer(b"".join(vector for *_, vector in placed), dtype=np.float16).reshape(len(placed), -1)
    rows = np.array([row for _, row, _ in placed], dtype=np.int32)
    served = space.claim([item_id for item_id, *_ in placed], rows, snapshot.fingerprints(raw))
    if not served.all():
        space.put_many(rows[~served], raw[~served])


def _take_over(catalogue: Catalogue, old: FaissSpace, new: FaissSpace) -> list[str]:
    """Rows keep their items; returns the items whose vectors the new space does not hold."""
    rows, prints = old.placed()
    item_ids = [catalogue.items[row].item_id for row in rows]
    served = new.claim(item_ids, rows, prints)
    return [item_id for item_id, is_served in zip(item_ids, served, strict=True) if not is_served]


async def _chunks(stored: AsyncIterator[StoredItem]) -> AsyncIterator[list[StoredItem]]:
    chunk: list[StoredItem] = []
    async for one in stored:
        chunk.append(one)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk
