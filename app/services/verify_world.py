"""Whether what is published agrees with the catalogue: artifacts by their checksums, then the world a worker loads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.domain.errors import ArtifactRefused
from app.services.context import Context
from app.services.follow import CHUNK, Follower
from app.services.verify import Checked
from app.storage.audit import kept_artifacts
from app.storage.items import StoredItem, load_items, stream_items

# A vector is kept in float16, so it is its embedding's up to some thousandths.
LEAST_COSINE = 0.99
# Items that change while they are compared are looked at again, after the world has followed.
ROUNDS = 20
MOST_DOUBTFUL = 10_000


async def verify_world(ctx: Context) -> list[Checked]:
    """Artifacts, and the live space, generators and catalogue as a worker loads them. Raises Unavailable."""
    own = replace(ctx)
    follower = Follower(own)
    await follower.start()
    artifacts = await _artifacts(ctx)
    served = Checked("live models that load", n_looked_at=3)
    for kind, problem in follower.problems.items():
        served.wrong(f"{kind}: {problem}")
    return [artifacts, served, await compare(own, follower)]


async def _artifacts(ctx: Context) -> Checked:
    """One that is gone and does not serve is no fault: nothing but the way back is lost with it."""
    finding, n_gone = Checked("artifacts and their SHA-256"), 0
    for one in await kept_artifacts(ctx.db):
        folder = ctx.store.root / one.kind / str(one.manifest["name"])
        if not one.live and not folder.is_dir():
            n_gone += 1
            continue
        finding.n_looked_at += 1
        try:
            await asyncio.to_thread(ctx.store.open, one.manifest)
        except ArtifactRefused as error:
            finding.wrong(f"version {one.version}: {error.detail}")
    finding.note = f"{n_gone} earlier versions are gone and cannot serve again" if n_gone else ""
    return finding


async def compare(own: Context, follower: Follower) -> Checked:
    """The world of `own`, which `follower` keeps, with the catalogue in the database."""
    finding = Checked("index and catalogue")
    doubtful: dict[str, str] = {}
    chunk: list[StoredItem] = []
    async for stored in stream_items(own.db):
        chunk.append(stored)
        if len(chunk) == CHUNK:
            doubtful |= _differing(own, chunk)
            finding.n_looked_at += len(chunk)
            chunk = []
    doubtful |= _differing(own, chunk)
    finding.n_looked_at += len(chunk)
    for why in (await _settled(own, follower, dict(list(doubtful.items())[:MOST_DOUBTFUL]))).values():
        finding.wrong(why)
    for why in await _surplus(own, follower, finding.n_looked_at):
        finding.wrong(why)
    return finding


async def _settled(own: Context, follower: Follower, doubtful: dict[str, str]) -> dict[str, str]:
    """What still differs when the world has caught up."""
    for _ in range(ROUNDS):
        if not doubtful:
            break
        await follower.step()
        ids, left = list(doubtful), dict[str, str]()
        for start in range(0, len(ids), CHUNK):
            left |= _differing(own, await load_items(own.db, ids[start : start + CHUNK]))
        doubtful = left
    return doubtful


async def _surplus(own: Context, follower: Follower, n_stored: int) -> list[str]:
    """Items of the world that the catalogue does not have, also when the world has caught up."""
    doubtful = [] if len(own.world.catalogue.row_of) == n_stored else list(own.world.catalogue.row_of)
    for _ in range(ROUNDS):
        if not doubtful:
            break
        await follower.step()
        known = [item_id for item_id in doubtful if item_id in own.world.catalogue.row_of]
        doubtful = [item_id for start in range(0, len(known), CHUNK) for item_id in await _gone(own, known, start)]
    return [f"{item_id}: served, but not in the catalogue" for item_id in doubtful]


async def _gone(own: Context, item_ids: Sequence[str], start: int) -> list[str]:
    """Of a chunk from `start` on."""
    chunk = item_ids[start : start + CHUNK]
    there = {stored.item.item_id for stored in await load_items(own.db, chunk)}
    return [item_id for item_id in chunk if item_id not in there]


def _differing(own: Context, chunk: Sequence[StoredItem]) -> dict[str, str]:
    """What the world holds otherwise than the database, by item."""
    world, encoder = own.world, own.encoder.name
    found: dict[str, str] = {}
    placed: list[tuple[str, int, bytes]] = []
    for stored in chunk:
        item_id = stored.item.item_id
        row = world.catalogue.row_of.get(item_id)
        if row is None or world.catalogue.items[row] != stored.item:
            found[item_id] = f"{item_id}: {'missing' if row is None else 'served as it was before a change'}"
        elif stored.embedding and stored.embedded_by == encoder:
            placed.append((item_id, row, stored.embedding))
    return found | (_differing_vectors(own, placed) if placed else {})


def _differing_vectors(own: Context, placed: Sequence[tuple[str, int, bytes]]) -> dict[str, str]:
    space = own.world.space
    raw = np.stack([np.frombuffer(embedding, dtype=np.float16) for *_, embedding in placed]).astype(np.float32)
    meant, rows = space.project(raw), np.array([row for _, row, _ in placed], dtype=np.int32)
    served = space.vectors(rows)
    good = np.isfinite(meant).all(axis=1)
    cosines = np.where(good, np.einsum("nd,nd->n", meant, served), 1.0)
    _, nearest = space.search(meant, 1)  # itself, or another of the same words
    wrong = ~(cosines >= LEAST_COSINE) | (good & ~(nearest[:, 0] >= LEAST_COSINE))
    ids = [item_id for item_id, *_ in placed]
    return {ids[place]: f"{ids[place]}: the index holds another vector" for place in np.flatnonzero(wrong).tolist()}
