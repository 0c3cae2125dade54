"""`portrait evaluate`: how well it would have ranked what people really did next, beside simpler systems."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.cli.database import opened
from app.cli.settings import load
from app.cli.voice import console, say
from app.domain.catalogue import Vectors
from app.domain.errors import InvalidInput
from app.domain.item import Item
from app.encoders.text_encoder import TextEncoder
from app.evaluation.replay import Mode
from app.services.exam import DataSet, data_set, encode, exam_of, read_database, read_source, sit, untuned
from app.services.exam_report import comparisons, lost, save_ranks, section
from app.settings import Settings
from app.sources.base import Source
from app.storage import migrate
from app.storage.engine import Database


@dataclass(frozen=True, slots=True)
class Wanted:
    """`source` None examines the database's own log."""

    source: Source | None
    n_queries: int
    modes: Sequence[Mode]
    out: Path


def modes_of(letters: str) -> list[Mode]:
    """Raises InvalidInput for a letter of no mode."""
    try:
        return [Mode(letter) for letter in dict.fromkeys(letters.upper())]
    except ValueError:
        raise InvalidInput(
            f"There is no mode in {letters!r} but F, U and O.", "Say --modes U, or --modes FU."
        ) from None


def run_evaluate(wanted: Wanted) -> None:
    settings = load()
    data = _of_source(settings, wanted.source) if wanted.source else _of_database(settings)
    events = data.events
    say(f"{data.name}: {len(events):,} behaviours of {events.n_users:,} users on {events.n_items:,} items")
    started = datetime.now(UTC)
    papers = list(sit(data, exam_of(data, wanted.n_queries or None), untuned(data), wanted.modes, say))
    against = comparisons(papers)
    text, plain = section(data, papers, against, (datetime.now(UTC) - started).total_seconds())
    wanted.out.mkdir(parents=True, exist_ok=True)
    (wanted.out / "report.md").write_text(text)
    (wanted.out / "results.json").write_text(json.dumps(plain, indent=1))
    save_ranks(papers, wanted.out / "ranks.parquet")
    console().print(text, markup=False, soft_wrap=True)
    for line in lost(against):
        say(f"[yellow]better than Portrait[/] {line}")
    say(f"Report, figures and the rank of every query: {wanted.out}")


def _of_source(settings: Settings, source: Source) -> DataSet:
    with console().status("Reading ..."):
        columns, items = read_source(source, settings.ingest, datetime.now(UTC))
    with console().status("Vectors of the items' words ..."):
        encoder = TextEncoder(settings.encoder_model, settings.encoder_device, settings.encoder_threads)
        encoder.load()

        def raw_of(items: Sequence[Item]) -> Vectors:
            return asyncio.run(encode(encoder, items))

        return data_set(source.name, columns, items, raw_of)


def _of_database(settings: Settings) -> DataSet:
    async def read(url: str) -> DataSet:
        db = await Database.open(url, 2, settings.master_keys)
        try:
            return await read_database(db, settings.ingest.weights)
        finally:
            await db.close()

    with opened(settings) as (_, url), console().status("Reading the database ..."):
        migrate.upgrade(url)
        return asyncio.run(read(url))
