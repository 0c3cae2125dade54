"""Behaviours enter: clean, without repeats, screened, with the vectors of their texts, committed."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.behavior import Behavior
from app.domain.errors import Fault, Unavailable
from app.ingest.clean import clean
from app.ingest.dedupe import dedupe, same_payload
from app.ingest.rules import IngestRules
from app.ingest.screen import Pace, screen
from app.ingest.weigh import nearest_type
from app.services.context import Context
from app.storage.append import load_paces, store_behaviors
from app.storage.behaviors import load_behaviors
from app.storage.beside import beside
from app.storage.items import known_items

# What is encoded before the answer; more texts, or slower ones, get their vectors from the jobs a little later.
_MOST_TEXTS = 64
_ENCODER_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """`index` is the place in the request; the fault's pointer starts with it."""

    index: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Receipt:
    """`accepted` are committed, `duplicates` were there before; warnings tell what was accepted but may be a slip."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejected, ...]
    warnings: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    index: int
    behavior: Behavior


async def record_behaviors(ctx: Context, raws: Sequence[object]) -> Receipt:
    """Stores what is good and tells what is not. Safe to repeat. Raises `Unavailable`."""
    entries, rejected = await beside(len(raws), _clean, ctx, raws)
    entries, refused = await _refuse_unknown_items(ctx, entries)
    found = await beside(len(entries), dedupe, [entry.behavior for entry in entries])
    fresh = [entries[place] for place in found.fresh]
    conflicts = [entries[place] for place in found.conflicts]
    known = await _store(ctx, fresh) if fresh else []
    changed = await _contradicting(ctx, known) if known else []
    rejected += refused + [Rejected(entry.index, _conflict(entry.index)) for entry in conflicts + changed]
    return Receipt(
        accepted=len(fresh) - len(known),
        duplicates=len(found.repeats) + len(known) - len(changed),
        rejected=tuple(sorted(rejected, key=lambda one: one.index)),
        warnings=(*_unmapped_types(ctx, entries), *_unknown_items(ctx, entries)),
    )


def _clean(ctx: Context, raws: Sequence[object]) -> tuple[list[_Entry], list[Rejected]]:
    now = ctx.now()
    entries: list[_Entry] = []
    rejected: list[Rejected] = []
    for index, raw in enumerate(raws):
        cleaned = clean(raw, ctx.ingest, now)
        if isinstance(cleaned, Behavior):
            entries.append(_Entry(index, cleaned))
        else:
            rejected += [Rejected(index, replace(fault, pointer=f"/{index}{fault.pointer}")) for fault in cleaned]
    return entries, rejected


async def _store(ctx: Context, entries: Sequence[_Entry]) -> list[_Entry]:
    """Returns those that were stored before."""
    behaviors = [_named(entry.behavior) for entry in entries]
    behaviors = await _screened(ctx, behaviors)
    embeddings = await _embeddings(ctx, behaviors)
    places = await store_behaviors(ctx.db, behaviors, embeddings, ctx.encoder.name)
    return [entries[place] for place in places]


def _named(behavior: Behavior) -> Behavior:
    return behavior if behavior.behavior_id else replace(behavior, behavior_id="n-" + secrets.token_hex(16))


async def _screened(ctx: Context, behaviors: list[Behavior]) -> list[Behavior]:
    places_of: dict[str, list[int]] = defaultdict(list)
    for place, behavior in enumerate(behaviors):
        places_of[behavior.user_id].append(place)
    paces = await load_paces(ctx.db, list(places_of))
    return await beside(len(behaviors), _flagged, behaviors, places_of, paces, ctx.ingest)


def _flagged(
    behaviors: list[Behavior], places_of: Mapping[str, list[int]], paces: Mapping[str, Pace], rules: IngestRules
) -> list[Behavior]:
    for user_id, places in places_of.items():
        at = [behaviors[place].occurred_at.timestamp() for place in places]
        for place, flag in zip(places, screen(paces.get(user_id), at, rules), strict=True):
            if flag:
                behaviors[place] = replace(behaviors[place], flag=flag)
    return behaviors


async def _embeddings(ctx: Context, behaviors: Sequence[Behavior]) -> dict[int, bytes]:
    """Raw float16 vectors by place; nothing where the encoder is away or slow."""
    texts = {place: behavior.text for place, behavior in enumerate(behaviors) if behavior.text}
    if not texts or len(texts) > _MOST_TEXTS or not ctx.encoder.ready:
        return {}
    try:
        async with asyncio.timeout(_ENCODER_LIMIT_S):
            vectors = await ctx.encoder.encode_raw(list(texts.values()))
    except (Unavailable, TimeoutError):
        return {}
    return dict(zip(texts, vectors, strict=True))


async def _contradicting(ctx: Context, entries: Sequence[_Entry]) -> list[_Entry]:
    """Of behaviours that were stored before: those that told something else then."""
    keys = [(entry.behavior.user_id, entry.behavior.behavior_id) for entry in entries]
    stored = {(one.user_id, one.behavior_id): one for one in await load_behaviors(ctx.db, keys)}
    return [
        entry
        for entry, key in zip(entries, keys, strict=True)
        if key in stored and not same_payload(stored[key], entry.behavior)
    ]


def _conflict(index: int) -> Fault:
    return Fault(
        "behavior_conflict",
        f"/{index}/behavior_id",
        "Another behaviour has this behavior_id; the first one stands.",
        "Give every behaviour an id of its own; send a repeat exactly as it was.",
    )


async def _refuse_unknown_items(ctx: Context, entries: list[_Entry]) -> tuple[list[_Entry], list[Rejected]]:
    unknown = _unknown_ids(ctx, entries) if ctx.ingest.unknown_items == "refuse" else set()
    if unknown:  # this worker's catalogue may be a second behind
        unknown -= await known_items(ctx.db, list(unknown))
    kept = [entry for entry in entries if entry.behavior.item_id not in unknown]
    refused = [entry for entry in entries if entry.behavior.item_id in unknown]
    return kept, [Rejected(entry.index, _unknown_item(f"/{entry.index}/item_id")) for entry in refused]


def _unknown_item(pointer: str) -> Fault:
    return Fault("item_unknown", pointer, "There is no such item in the catalogue.", "Put the item first.")


def _unknown_ids(ctx: Context, entries: Sequence[_Entry]) -> set[str]:
    known = ctx.world.catalogue.row_of
    return {
        entry.behavior.item_id for entry in entries if entry.behavior.item_id and entry.behavior.item_id not in known
    }


def _unknown_items(ctx: Context, entries: Sequence[_Entry]) -> list[Fault]:
    n = len(_unknown_ids(ctx, entries))
    if not n:
        return []
    detail = f"{n} {'item is' if n == 1 else 'items are'} not in the catalogue yet."
    return [Fault("item_unknown", "", detail, "They count from the moment they are put.")]


def _unmapped_types(ctx: Context, entries: Sequence[_Entry]) -> list[Fault]:
    first: dict[str, int] = {}
    for entry in entries:
        first.setdefault(entry.behavior.type, entry.index)
    weights = ctx.ingest.weights
    return [
        _unmapped(index, nearest_type(weights, type_)) for type_, index in first.items() if type_ not in weights.by_type
    ]


def _unmapped(index: int, nearest: str | None) -> Fault:
    hint = f"Did you mean `{nearest}`? " if nearest else ""
    return Fault(
        "type_unmapped",
        f"/{index}/type",
        "This type has no weight: the behaviour is kept and says nothing about taste.",
        hint + "Give the type a weight in the settings if it should count.",
    )
