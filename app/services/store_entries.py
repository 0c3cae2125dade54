"""Behaviours that are clean become rows of their users' logs: admitted, without repeats, screened, committed."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.behavior import Behavior
from app.domain.errors import Fault, Unavailable
from app.domain.standing import Standing
from app.ingest.dedupe import dedupe, same_payload
from app.ingest.rules import IngestRules
from app.ingest.screen import Pace, screen
from app.privacy.admit import refusal
from app.services.context import Context
from app.storage.append import Stored, store_behaviors
from app.storage.behaviors import load_behaviors
from app.storage.beside import beside
from app.storage.standings import Standings, load_standings

# What is encoded before the answer; more texts, or slower ones, get their vectors from the jobs a little later.
_MOST_TEXTS = 64
_ENCODER_LIMIT_S = 2.0
# While a batch is under way a user can be merged, erased and begin anew; more turns than that hint at a defect.
_MOST_TURNS = 6


@dataclass(frozen=True, slots=True)
class Entry:
    index: int
    behavior: Behavior


@dataclass(frozen=True, slots=True)
class Rejected:
    """`index` is the place in the request; the fault's pointer starts with it."""

    index: int
    fault: Fault


@dataclass(slots=True)
class Tally:
    accepted: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)


async def store_entries(ctx: Context, entries: list[Entry]) -> Tally:
    """Again for users who were merged, erased or without consent between the look at them and the storing."""
    tally = Tally()
    for _ in range(_MOST_TURNS):
        if not entries:
            return tally
        entries = await _turn(ctx, entries, tally)
    raise Unavailable("The users of this batch go on changing.", "Send it again: what is stored counts once.")


async def _turn(ctx: Context, entries: list[Entry], tally: Tally) -> list[Entry]:
    """Returns those whose user has changed meanwhile."""
    standings = await load_standings(ctx.db, ctx.secret, list({entry.behavior.user_id for entry in entries}))
    admitted, refused = _admitted(ctx, entries, standings.special)
    found = await beside(len(admitted), dedupe, [entry.behavior for entry in admitted])
    fresh = [admitted[place] for place in found.fresh]
    stored = await _store(ctx, fresh, standings) if fresh else Stored([], [])
    away = {fresh[place].behavior.user_id for place in stored.turned_away}
    known = [fresh[place] for place in stored.known if fresh[place].behavior.user_id not in away]
    repeats, conflicts, entered = (
        [entry for entry in some if entry.behavior.user_id not in away]
        for some in (
            [admitted[place] for place in found.repeats],
            [admitted[place] for place in found.conflicts],
            fresh,
        )
    )
    changed = await _contradicting(ctx, known) if known else []
    tally.accepted += len(entered) - len(known)
    tally.duplicates += len(repeats) + len(known) - len(changed)
    tally.rejected += refused + [Rejected(entry.index, _conflict(entry.index)) for entry in conflicts + changed]
    return [entry for entry in admitted if entry.behavior.user_id in away]


def _admitted(
    ctx: Context, entries: list[Entry], special: Mapping[str, Standing]
) -> tuple[list[Entry], list[Rejected]]:
    """Each under the id of the user whose it is."""
    if not special:
        return entries, []
    admitted, refused = [], []
    for entry in entries:
        standing = special.get(entry.behavior.user_id)
        if standing is None:
            admitted.append(entry)
        elif fault := refusal(standing, entry.behavior, ctx.secret):
            refused.append(Rejected(entry.index, replace(fault, pointer=f"/{entry.index}{fault.pointer}")))
        else:
            admitted.append(Entry(entry.index, replace(entry.behavior, user_id=standing.user_id)))
    return admitted, refused


async def _store(ctx: Context, entries: Sequence[Entry], standings: Standings) -> Stored:
    behaviors = [_named(entry.behavior) for entry in entries]
    behaviors = await _screened(ctx, behaviors, standings.paces)
    embeddings = await _embeddings(ctx, behaviors)
    return await store_behaviors(ctx.db, behaviors, embeddings, ctx.encoder.name, standings)


def _named(behavior: Behavior) -> Behavior:
    return behavior if behavior.behavior_id else replace(behavior, behavior_id="n-" + secrets.token_hex(16))


async def _screened(ctx: Context, behaviors: list[Behavior], paces: Mapping[str, Pace]) -> list[Behavior]:
    places_of: dict[str, list[int]] = defaultdict(list)
    for place, behavior in enumerate(behaviors):
        places_of[behavior.user_id].append(place)
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


async def _contradicting(ctx: Context, entries: Sequence[Entry]) -> list[Entry]:
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
