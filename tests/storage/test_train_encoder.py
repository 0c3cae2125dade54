"""An encoder tuned from the log in the database: judged, kept with its verdict, and loaded like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec

import numpy as np
import pytest

from app.domain.errors import Cancelled
from app.domain.item import Item
from app.domain.job import TRAIN_ENCODER, Job
from app.encoders.text_encoder import TextEncoder
from app.jobs.run import run_job
from app.retrieval.base import Log
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.jobs import submit_job
from app.services.manage_models import promote_model
from app.services.record_behaviors import record_behaviors
from app.services.train_encoder import KIND, train_encoder
from app.storage.items import load_items, put_items
from app.storage.jobs import claimed, get_job
from app.storage.models import get_model, live_model
from app.training.encoder import CHECKPOINT, EncoderSettings
from tests.unit.encoder_board import N_ITEMS, items, log

A_STEP = {"minutes": 1e-5}


async def fill(ctx: Context, catalogue: Sequence[Item], lines: Log) -> None:
    await put_items(ctx.db, catalogue)
    raws = [
        {
            "user_id": f"u{user}",
            "item_id": lines.item_ids[item],
            "type": "purchase",
            "occurred_at": datetime.fromtimestamp(at, UTC).isoformat(),
        }
        for user, item, at in zip(lines.users.tolist(), lines.items.tolist(), lines.at.tolist(), strict=True)
    ]
    assert (await record_behaviors(ctx, raws)).accepted == len(raws)
    while await embed_texts(ctx):
        pass


async def done(ctx: Context, parameters: dict[str, object]) -> Job:
    job = await submit_job(ctx.db, TRAIN_ENCODER, parameters)
    async with claimed(ctx.db, job.job_id) as mine:
        assert mine
        await run_job(ctx, mine, asyncio.Event())
    return await get_job(ctx.db, job.job_id)


async def test_a_job_makes_a_version_with_its_verdict_that_loads_and_reads_otherwise(context: Context) -> None:
    await fill(context, items(), log())
    job = await done(context, A_STEP)
    assert job.status == "done", job.error
    assert job.result
    model = await get_model(context.db, job.result["version"])
    assert model.kind == KIND
    assert model.verdict == job.result["verdict"]
    assert model.live == model.verdict["promoted"] == (model.promoted_at is not None)
    assert set(model.verdict["figures"]) >= {"new items, cosine, champion", "new items, text map, challenger"}
    about = model.manifest["about"]
    assert (about["base"], about["n_steps"]) == (context.encoder.name, 1)
    assert "1_Pooling/config.json" in model.manifest["files"]
    own = TextEncoder(str(context.store.open(model.manifest)))
    own.load()
    assert own.name != context.encoder.name
    assert not np.array_equal(await own.encode(["violin"]), await context.encoder.encode(["violin"]))
    own.close()
    assert not (context.store.root / "unfinished" / KIND / CHECKPOINT).exists()


async def test_what_serves_goes_on_untouched_and_a_loser_can_be_promoted_by_hand(context: Context) -> None:
    await fill(context, items(), log())
    before = await load_items(context.db, [f"i{number}" for number in range(N_ITEMS)])
    version = await train_encoder(context, minutes=1e-5)
    assert sorted(before, key=_id) == sorted(await load_items(context.db, [f"i{n}" for n in range(N_ITEMS)]), key=_id)
    assert (await promote_model(context.db, context.store, version)).live
    live = await live_model(context.db, KIND)
    assert live
    assert live.version == version


def _id(stored: object) -> str:
    return str(stored.item.item_id)  # type: ignore[attr-defined]


async def test_a_promoted_encoder_reads_everything_anew_and_is_the_next_champion(context: Context) -> None:
    await fill(context, items(), log())
    first = await get_model(context.db, await train_encoder(context, minutes=1e-5))
    context.encoder = TextEncoder(str(context.store.open(first.manifest)))
    context.encoder.load()
    while await embed_texts(context):
        pass
    stored = await load_items(context.db, [f"i{number}" for number in range(N_ITEMS)])
    assert {one.embedded_by for one in stored} == {context.encoder.name}
    second = await get_model(context.db, await train_encoder(context, minutes=1e-5))
    assert second.manifest["about"]["base"] == context.encoder.name
    assert context.store.open(first.manifest)  # it serves, so that it was kept
    context.encoder.close()


async def test_an_interrupted_training_goes_on_with_the_behaviors_it_began_with(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(context, items(), log())
    scratch = context.store.root / "unfinished" / KIND
    monkeypatch.setattr("app.services.train_encoder.EncoderSettings", _saving_each_step)

    def stop_at_the_second_step(share: float, stage: str) -> None:
        if (scratch / CHECKPOINT).exists() and "pass" in stage and share > 0.08:
            raise Cancelled("The job was told to stop.")

    with pytest.raises(Cancelled):
        await train_encoder(context, stop_at_the_second_step, minutes=1_000)
    assert (scratch / CHECKPOINT).exists()
    raw = {"user_id": "u0", "item_id": "i30", "type": "purchase", "behavior_id": "later"}
    assert (await record_behaviors(context, [raw])).accepted == 1
    told: list[tuple[float, str]] = []
    version = await train_encoder(context, lambda *one: told.append(one), minutes=1e-5)
    steps = [share for share, stage in told if "pass" in stage]
    about = (await get_model(context.db, version)).manifest["about"]
    assert len(steps) < about["n_steps"]
    assert len(steps) <= 1


def _saving_each_step(minutes: float, lora: bool) -> EncoderSettings:
    return EncoderSettings(minutes=minutes, lora=lora, save_every_s=0.0)


@pytest.mark.parametrize(
    ("catalogue", "lines", "said"),
    [
        ([Item(f"i{number}") for number in range(N_ITEMS)], log(), "No item has a text"),
        (items(n_silent=N_ITEMS - 6), log(n_users=180), "too little to tune"),
        (items(), log(n_users=1), "too little to judge"),
        (items(), log(n_users=10), "too little to judge"),
        (items(), log().take(slice(0, 0)), "enough time"),
    ],
)
async def test_too_little_is_refused_with_a_reason(
    context: Context, catalogue: list[Item], lines: Log, said: str
) -> None:
    await fill(context, catalogue, lines)
    job = await done(context, A_STEP)
    assert job.status == "failed"
    assert said in (job.error or "")
    assert await live_model(context.db, KIND) is None


@pytest.mark.skipif(find_spec("peft") is not None, reason="peft is installed")
async def test_lora_without_its_package_is_refused(context: Context) -> None:
    job = await done(context, {"minutes": 1.0, "lora": True})
    assert job.status == "failed"
    assert "peft" in (job.error or "")
