"""Versions of models: verdicts, promotion, rollback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.domain.errors import Conflict, NotFound
from app.registry.store import Store
from app.services.manage_models import list_models, promote_model, roll_back
from app.storage.engine import Database
from app.storage.models import (
    ROLLED_BACK_TO,
    kept_names,
    live_model,
    previous_model,
    promote,
    promote_version,
    register,
)

VERDICT = {"promoted": False, "reasons": ["Coverage fell."], "figures": {"ndcg": 0.05}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


async def published(db: Database, store: Store, text: str, promoted: bool = True) -> int:
    manifest = store.publish("generators", lambda folder: (folder / "part").write_text(text) and None, {})
    return await register(db, "generators", manifest, VERDICT | {"promoted": promoted}, promoted)


async def live_version(db: Database) -> int | None:
    live = await live_model(db, "generators")
    return live.version if live else None


async def test_a_challenger_that_lost_is_kept_and_does_not_serve(db: Database, store: Store) -> None:
    space = await promote(db, "space", {"name": "s", "about": {}})
    first = await published(db, store, "a")
    lost = await published(db, store, "b", promoted=False)
    assert await live_version(db) == first
    found = await list_models(db, None, None, 10)
    assert [(model.version, model.live) for model in found] == [(lost, False), (first, True), (space, True)]
    assert found[0].promoted_at is None
    assert found[0].verdict == VERDICT
    assert found[2].verdict is None
    assert [model.version for model in await list_models(db, "generators", lost, 10)] == [first]


async def test_a_version_is_promoted_by_hand(db: Database, store: Store) -> None:
    await published(db, store, "a")
    lost = await published(db, store, "b", promoted=False)
    assert (await promote_model(db, store, lost)).live
    assert await live_version(db) == lost
    with pytest.raises(NotFound):
        await promote_version(db, 9_999)
    with pytest.raises(NotFound):
        await promote_model(db, store, 9_999)


async def test_rolling_back_goes_on_to_older_ones_and_never_forth(db: Database, store: Store) -> None:
    with pytest.raises(Conflict):
        await roll_back(db, store, "generators")
    first, second = await published(db, store, "a"), await published(db, store, "b")
    await published(db, store, "lost", promoted=False)
    third = await published(db, store, "c")
    assert (await live_version(db)) == third
    assert (await roll_back(db, store, "generators")).version == second
    assert (await roll_back(db, store, "generators")).version == first
    assert await previous_model(db, "generators") is None
    with pytest.raises(Conflict) as refusal:
        await roll_back(db, store, "generators")
    assert refusal.value.code == "no_earlier_model"


async def test_the_last_three_that_served_keep_their_files(db: Database, store: Store, tmp_path: Path) -> None:
    versions = [await published(db, store, text) for text in "abcde"]
    lost = await published(db, store, "lost", promoted=False)
    for folder in (tmp_path / "generators").iterdir():
        os.utime(folder, (1000, 1000))
    store.prune("generators", await kept_names(db, "generators"))
    assert len(list((tmp_path / "generators").iterdir())) == ROLLED_BACK_TO
    for _ in range(ROLLED_BACK_TO - 1):
        await roll_back(db, store, "generators")
    assert await live_version(db) == versions[-3]
    for gone in (versions[0], lost):
        with pytest.raises(Conflict) as refusal:
            await promote_model(db, store, gone)
        assert refusal.value.code == "model_gone"
    assert await live_version(db) == versions[-3]
