"""Behaviours enter: clean, without repeats, screened, with the vectors of their texts, committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.behavior import Behavior
from app.domain.errors import Fault
from app.domain.limits import MAX_ERRORS
from app.ingest.clean import clean
from app.ingest.faults import told_of_next
from app.ingest.weigh import nearest_type
from app.services.context import Context
from app.services.store_entries import Entry, Rejected, store_entries
from app.storage.beside import beside
from app.storage.items import known_items


@dataclass(frozen=True, slots=True)
class Receipt:
    """`accepted` are committed, `duplicates` were there before; warnings tell what was accepted but may be a slip."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejected, ...]
    warnings: tuple[Fault, ...]


async def record_behaviors(ctx: Context, raws: Sequence[object]) -> Receipt:
    """Stores what is good and tells what is not. Safe to repeat. Raises `Unavailable`."""
    entries, rejected = await beside(len(raws), _clean, ctx, raws)
    entries, refused = await _refuse_unknown_items(ctx, entries)
    tally = await store_entries(ctx, entries)
    return Receipt(
        accepted=tally.accepted,
        duplicates=tally.duplicates,
        rejected=tuple(sorted(rejected + refused + tally.rejected, key=lambda one: one.index)),
        warnings=(*_unmapped_types(ctx, entries), *_unknown_items(ctx, entries)),
    )


def _clean(ctx: Context, raws: Sequence[object]) -> tuple[list[Entry], list[Rejected]]:
    now = ctx.now()
    entries: list[Entry] = []
    rejected: list[Rejected] = []
    for index, raw in enumerate(raws):
        cleaned = clean(raw, ctx.ingest, now, told_of_next(len(rejected)))
        if isinstance(cleaned, Behavior):
            entries.append(Entry(index, cleaned))
        else:
            rejected += [Rejected(index, replace(fault, pointer=f"/{index}{fault.pointer}")) for fault in cleaned]
    return entries, rejected


async def _refuse_unknown_items(ctx: Context, entries: list[Entry]) -> tuple[list[Entry], list[Rejected]]:
    unknown = _unknown_ids(ctx, entries) if ctx.ingest.unknown_items == "refuse" else set()
    if unknown:  # this worker's catalogue may be a second behind
        unknown -= await known_items(ctx.db, list(unknown))
    kept = [entry for entry in entries if entry.behavior.item_id not in unknown]
    refused = [entry for entry in entries if entry.behavior.item_id in unknown]
    return kept, [Rejected(entry.index, _unknown_item(f"/{entry.index}/item_id")) for entry in refused]


def _unknown_item(pointer: str) -> Fault:
    return Fault("item_unknown", pointer, "There is no such item in the catalogue.", "Put the item first.")


def _unknown_ids(ctx: Context, entries: Sequence[Entry]) -> set[str]:
    known = ctx.world.catalogue.row_of
    return {
        entry.behavior.item_id for entry in entries if entry.behavior.item_id and entry.behavior.item_id not in known
    }


def _unknown_items(ctx: Context, entries: Sequence[Entry]) -> list[Fault]:
    n = len(_unknown_ids(ctx, entries))
    if not n:
        return []
    detail = f"{n} {'item is' if n == 1 else 'items are'} not in the catalogue yet."
    return [Fault("item_unknown", "", detail, "They count from the moment they are put.")]


def _unmapped_types(ctx: Context, entries: Sequence[Entry]) -> list[Fault]:
    first: dict[str, int] = {}
    for entry in entries:
        first.setdefault(entry.behavior.type, entry.index)
    weights = ctx.ingest.weights
    unmapped = [(type_, index) for type_, index in first.items() if type_ not in weights.by_type]
    told = [_unmapped(index, nearest_type(weights, type_)) for type_, index in unmapped[:MAX_ERRORS]]
    return [*told, _more_unmapped(len(unmapped) - MAX_ERRORS)] if len(unmapped) > MAX_ERRORS else told


def _unmapped(index: int, nearest: str | None) -> Fault:
    hint = f"Did you mean `{nearest}`? " if nearest else ""
    return Fault(
        "type_unmapped",
        f"/{index}/type",
        "This type has no weight: the behaviour is kept and says nothing about taste.",
        hint + "Give the type a weight in the settings if it should count.",
    )


def _more_unmapped(n: int) -> Fault:
    return Fault("type_unmapped", "", f"{n} more types have no weight.", "Use few types, and give them weights.")
