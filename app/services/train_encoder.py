"""A text encoder of one's own: tuned on what people turn to one after another, judged, and kept with the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.domain.catalogue import Vectors
from app.domain.errors import InvalidInput, Unavailable
from app.domain.item import Item
from app.domain.progress import Progress, part, unwatched
from app.encoders.text_encoder import TextEncoder
from app.encoders.weights import locate
from app.index import whitening
from app.registry.manifest import Manifest
from app.retrieval.base import Log
from app.services.context import Context
from app.storage.behaviors import copy_log
from app.storage.erasures import between_erasures
from app.storage.items import stream_items
from app.storage.models import ENCODER as KIND
from app.storage.models import kept_names, register
from app.training.dataset import read_log
from app.training.encoder import EncoderSettings, TunedEncoder, interrupted, refuse_lora, tune_encoder
from app.training.encoder_gate import EncoderExam, judge_encoder, set_encoder_exam
from app.training.encoder_pairs import Pairs, pairs_of

N_ENCODED = 256  # texts at a time
# An interrupted training goes on within a day, on the behaviours that it began with.
RESUMED_WITHIN_S = 86_400.0
SEED = 1


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is learned, by which it is judged; `until` is the time of the newest behaviour in it."""

    exam: EncoderExam
    pairs: Pairs
    champion: Vectors
    until: float
    about: dict[str, str]


async def train_encoder(ctx: Context, report: Progress = unwatched, minutes: float = 10.0, lora: bool = False) -> int:
    """The version that was made of the encoder that serves, promoted only if the gate lets it through.

    It is one version more in the list: which encoder serves is `PORTRAIT_ENCODER_MODEL`. `report` is called from
    another thread too, and ends it all by raising. Raises InvalidInput where there is too little to learn from or to
    be judged by, Unavailable while the encoder is loading, Misconfigured for LoRA without peft.
    """
    settings = EncoderSettings(minutes=minutes, lora=lora)
    refuse_lora(settings)
    await _loaded(ctx.encoder, report)
    report(0.0, "reading the log and the items")
    scratch = ctx.store.root / "unfinished" / KIND
    lesson = await _lesson(ctx, scratch)
    base = await asyncio.to_thread(locate, ctx.encoder.model)
    tuned = await asyncio.to_thread(
        tune_encoder, lesson.pairs, base.folder, settings, part(report, 0.05, 0.7), scratch, repr(lesson.until)
    )
    manifest = await _published(ctx, tuned, lesson.about | {"base": ctx.encoder.name})
    verdict = await _judged(ctx, manifest, lesson, report)
    version = await register(ctx.db, KIND, manifest, verdict, promoted=verdict["promoted"])
    await asyncio.to_thread(ctx.store.prune, KIND, await _kept(ctx, manifest))
    return version


async def _loaded(encoder: TextEncoder, report: Progress) -> None:
    """A process that has just begun loads it for seconds."""
    while not encoder.ready:
        if encoder.problem:
            raise Unavailable(encoder.problem, "See /health/ready.")
        report(0.0, "waiting for the encoder that serves")
        await asyncio.sleep(0.1)


async def _lesson(ctx: Context, scratch: Path) -> _Lesson:
    about = {"log_read_at": (await between_erasures(ctx.db)).isoformat()}
    csv = b"".join([chunk async for chunk in copy_log(ctx.db)])
    items, raw = await _embedded(ctx)
    since = ctx.now().timestamp() - RESUMED_WITHIN_S
    return await asyncio.to_thread(_prepared, read_log(csv, ctx.ingest.weights), items, raw, scratch, since, about)


def _prepared(
    log: Log, items: Sequence[Item], raw: dict[str, bytes], scratch: Path, since: float, about: dict[str, str]
) -> _Lesson:
    mark = interrupted(scratch, since)
    if mark is not None:
        log = log.until(np.nextafter(float(mark), np.inf))
    exam = set_encoder_exam(log, items)
    vectors = np.stack([np.frombuffer(raw[item.item_id], dtype=np.float16) for item in exam.items]).astype(np.float32)
    until = float(log.at[-1])
    return _Lesson(exam, pairs_of(exam.lessons, exam.texts, SEED), half_whitened(vectors), until, about)


async def _embedded(ctx: Context) -> tuple[list[Item], dict[str, bytes]]:
    """The items that have a vector of the encoder that serves, with it; those that wait for one are passed over."""
    items: list[Item] = []
    raw: dict[str, bytes] = {}
    async for stored in stream_items(ctx.db):
        if stored.embedding and stored.embedded_by == ctx.encoder.name:
            items.append(stored.item)
            raw[stored.item.item_id] = stored.embedding
    if not items:
        raise InvalidInput("No item has a text to tune an encoder by.", "Give the items titles or descriptions.")
    return items, raw


async def _published(ctx: Context, tuned: TunedEncoder, about: dict[str, str]) -> Manifest:
    return await asyncio.to_thread(ctx.store.publish, KIND, tuned.write, tuned.about | about)


async def _judged(ctx: Context, manifest: Manifest, lesson: _Lesson, report: Progress) -> dict[str, Any]:
    """Of the very files that would serve."""
    challenger = TextEncoder(str(ctx.store.open(manifest)), threads=1)
    try:
        await asyncio.to_thread(challenger.load)
        raw = await encoded(challenger, lesson.exam.items, part(report, 0.7, 0.9))
    finally:
        await asyncio.to_thread(challenger.close)
    new = await asyncio.to_thread(half_whitened, raw)
    return await asyncio.to_thread(judge_encoder, lesson.exam, lesson.champion, new, part(report, 0.9, 1.0))


async def encoded(encoder: TextEncoder, items: Sequence[Item], report: Progress = unwatched) -> Vectors:
    """(V, D) raw, rounded as they are stored; equal texts are read once."""
    texts = sorted({item.text for item in items}, key=len)
    vectors: dict[str, bytes] = {}
    for start in range(0, len(texts), N_ENCODED):
        report(start / len(texts), "reading the items anew")
        some = texts[start : start + N_ENCODED]
        vectors |= zip(some, await encoder.encode_raw(some), strict=True)
    return np.stack([np.frombuffer(vectors[item.text], dtype=np.float16) for item in items]).astype(np.float32)


def half_whitened(raw: Vectors) -> Vectors:
    """(V, D) -> (V, D) as in an item space."""
    distinct = np.unique(raw, axis=0).astype(np.float32)
    return whitening.fit(distinct).apply(raw)


async def _kept(ctx: Context, manifest: Manifest) -> set[str]:
    """Also the newest, which may be promoted by hand, and the one that serves."""
    in_use = {Path(ctx.encoder.model).name} if ctx.encoder.model else set()
    return await kept_names(ctx.db, KIND) | {str(manifest["name"])} | in_use
