"""What to show somebody next, and why."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from app.domain.behavior import Behavior, Interaction
from app.domain.edit import Edit
from app.domain.errors import Fault, InvalidInput, Unavailable
from app.domain.recommendation import Slate, Wish
from app.domain.scenario import Wanted
from app.ingest.clean import clean
from app.ingest.faults import told_of_next
from app.ingest.weigh import weigh
from app.profiles.fold import fold
from app.profiles.state import State, decode_state, encode_state
from app.retrieval.base import StatementVector, World
from app.retrieval.query import direction, waits_for_encoder
from app.services.context import Context
from app.services.rank import Moment, Ranked, Stopwatch, rank
from app.services.tastes import NO_LEANINGS, Leanings, kept_leanings, leanings_of, part_of
from app.services.user_state import UserState, last_seen, user_state

# A wish in words waits this long for the encoder (one short text takes 5 ms); then it is answered without them.
ENCODER_LIMIT_S = 1.0


@dataclass(frozen=True, slots=True)
class _Known:
    """Of whom: what is known of them, and why nothing is (`reason`).

    `known_as` is the id where the user's consent to it is certain; `told` says that behaviours came with the request.
    """

    user_id: str | None
    version: int = 0
    state: State | None = None
    reason: str | None = None
    degraded: bool = False
    known_as: str | None = None
    edits: tuple[Edit, ...] = ()
    told: bool = False


async def recommend(
    ctx: Context, user_id: str | None, wish: Wish | Wanted, at: datetime | None = None, raws: Sequence[object] = ()
) -> Slate:
    """Everything committed before the call is respected. `at`: as it would have been then, models as they are now.

    `raws` are behaviours of the user that come with the request: they count as if they had just been stored, and are
    not. Raises InvalidInput when one of them is bad. Otherwise never fails for want of a part: without a database what
    is popular is shown, without an encoder words are passed over, and the slate says so.
    """
    world, watch = ctx.world, Stopwatch()
    with watch.stage("profile"):
        behaviors = _cleaned(ctx, raws, user_id)
        known = await _known(ctx, user_id, at)
        if behaviors and known.reason != "consent_off":
            known = await _told(ctx, known, behaviors)
        settled = _settled(wish, known)
        leanings = _leanings(ctx, world, known, settled.wish, at)
    return await _slate(ctx, world, known, leanings, settled, at, watch)


async def recommend_for(ctx: Context, raws: Sequence[object], wish: Wish | Wanted) -> Slate:
    """For behaviours that come with the request; nothing is stored. Raises InvalidInput when one of them is bad."""
    world, watch = ctx.world, Stopwatch()
    with watch.stage("profile"):
        behaviors = _cleaned(ctx, raws, None)
        embeddings = await _embedded(ctx, behaviors)
        known = _Known(None, 0, fold(State(), _interactions(ctx, behaviors, embeddings, 0), ctx.half_lives))
        settled = _settled(wish, known)
        leanings = _leanings(ctx, world, known, settled.wish, None)
    return await _slate(ctx, world, known, leanings, settled, None, watch)


async def _told(ctx: Context, known: _Known, behaviors: Sequence[Behavior]) -> _Known:
    """With behaviours that are not stored; those that are stored already count once."""
    # States are shared between requests, so this one gets its own.
    state = decode_state(encode_state(known.state or State()))
    stored = {one.behavior_id for one in state.recent} | {one.behavior_id for one in state.said}
    fresh = [one for one in behaviors if one.behavior_id not in stored]
    state = fold(state, _interactions(ctx, fresh, await _embedded(ctx, fresh), state.seq), ctx.half_lives)
    return replace(known, state=state, reason=known.reason if known.degraded else None, told=True)


async def _known(ctx: Context, user_id: str | None, at: datetime | None) -> _Known:
    """While the database is away, a user whom this process has seen is who they were then."""
    if user_id is None:
        return _Known(None)
    try:
        return _known_by(user_id, await user_state(ctx, user_id, at))
    except Unavailable:
        user = last_seen(ctx, user_id) if at is None else None
        known = _Known(user_id) if user is None else _known_by(user_id, user)
        return replace(known, reason=known.reason or "database_unavailable", degraded=True)


def _known_by(user_id: str, user: UserState | None) -> _Known:
    if user is None:
        return _Known(user_id, reason="user_unknown", known_as=user_id)
    if not user.consent:
        return _Known(user.user_id, user.version, reason="consent_off")
    return _Known(user.user_id, user.version, user.state, known_as=user.user_id, edits=user.edits)


class _Settled(NamedTuple):
    wish: Wish
    variant: str | None = None


def _settled(wish: Wish | Wanted, known: _Known) -> _Settled:
    """What a scenario says where the request is silent; by name only for those who may be known by it."""
    if isinstance(wish, Wish):
        return _Settled(wish)
    variant = wish.variant_of(known.known_as)
    return _Settled(wish.wish(variant), variant.name if variant else None)


def _leanings(ctx: Context, world: World, known: _Known, wish: Wish, at: datetime | None) -> Leanings:
    if known.state is None:
        return NO_LEANINGS
    part = part_of(wish)
    if known.user_id is None or known.told or at is not None or wish.without:
        return leanings_of(world, known.state, ctx.half_lives, part, known.edits)
    return kept_leanings(world, known.user_id, known.version, known.state, ctx.half_lives, part, known.edits)


async def _slate(
    ctx: Context,
    world: World,
    known: _Known,
    leanings: Leanings,
    settled: _Settled,
    at: datetime | None,
    watch: Stopwatch,
) -> Slate:
    wish, generated_at = settled.wish, ctx.now()
    recommendation_id = "rec_" + secrets.token_hex(12)
    spoken = await spoken_by(ctx, world, wish)
    seconds = (at or generated_at).timestamp()
    async with ctx.turns:
        ranked = rank(world, wish, Moment(leanings, seconds, ctx.half_lives, spoken, recommendation_id), watch)
    unheard = wish.statement is not None and spoken is None
    waiting = known.state is not None and waits_for_encoder(known.state, ctx.half_lives, seconds)
    return Slate(
        recommendation_id=recommendation_id,
        user_id=known.user_id,
        scenario=wish.scenario,
        profile_version=known.version,
        model_version=world.model_version,
        generated_at=generated_at,
        degraded=known.degraded or unheard or waiting,
        fallback_reason=_fallback_reason(known, leanings, wish, spoken, ranked),
        items=ranked.items,
        timings_ms=watch.times_ms,
        variant=settled.variant,
        known_as=known.known_as,
        asked_at=at,
        wish=wish,
        space_version=world.space.version,
        catalogue_version=world.catalogue_version,
    )


def _fallback_reason(
    known: _Known, leanings: Leanings, wish: Wish, spoken: StatementVector | None, ranked: Ranked
) -> str | None:
    """Why the slate is not, or not only, made for this user."""
    if known.reason is not None:
        return known.reason
    if not leanings.personal and spoken is None and not wish.context_items:
        return "no_history"
    return "few_candidates" if ranked.n_filled else None


async def spoken_by(ctx: Context, world: World, wish: Wish) -> StatementVector | None:
    """What the wish says in words, None where it says nothing or the encoder is away."""
    if not wish.statement:
        return None
    try:
        async with asyncio.timeout(ENCODER_LIMIT_S):
            raw = await ctx.encoder.encode([wish.statement])
    except (Unavailable, TimeoutError):
        return None
    vector = direction(raw[0], world.space)
    return None if vector is None else StatementVector(vector, 1.0, wish.statement, "wish")


def _cleaned(ctx: Context, raws: Sequence[object], user_id: str | None) -> list[Behavior]:
    """Of this user, or of anybody where none is named."""
    behaviors: list[Behavior] = []
    faults: list[Fault] = []
    now = ctx.now()
    for index, raw in enumerate(raws):
        whole = {"user_id": user_id or "visitor"} | raw if isinstance(raw, dict) else raw
        cleaned = clean(whole, ctx.ingest, now, told_of_next(len(faults)))
        if isinstance(cleaned, Behavior) and user_id not in (None, cleaned.user_id):
            cleaned = (_SOMEBODY_ELSE,)
        if isinstance(cleaned, Behavior):
            behaviors.append(cleaned)
        else:
            faults += [replace(fault, pointer=f"/behaviors/{index}{fault.pointer}") for fault in cleaned]
    if faults:
        raise InvalidInput(
            "A behaviour in the request is not acceptable.", "Mend what `errors` names.", faults=tuple(faults)
        )
    return behaviors


_SOMEBODY_ELSE = Fault(
    "invalid_value", "/user_id", "This is not the user of the path.", "Leave `user_id` out; it is known from the path."
)


async def _embedded(ctx: Context, behaviors: Sequence[Behavior]) -> dict[str, bytes]:
    """Raw vectors by text; none while the encoder is away."""
    texts = list(dict.fromkeys(one.text for one in behaviors if one.text))
    if not texts:
        return {}
    try:
        async with asyncio.timeout(ENCODER_LIMIT_S):
            return dict(zip(texts, await ctx.encoder.encode_raw(texts), strict=True))
    except (Unavailable, TimeoutError):
        return {}


def _interactions(
    ctx: Context, behaviors: Sequence[Behavior], embeddings: dict[str, bytes], behind: int
) -> list[Interaction]:
    """With places behind that one."""
    return [
        Interaction(
            seq=seq,
            behavior_id=one.behavior_id or str(seq),
            type=one.type,
            at=one.occurred_at.timestamp(),
            weight=weigh(ctx.ingest.weights, one.type, one.value),
            item_id=one.item_id,
            text=one.text,
            embedding=embeddings.get(one.text or ""),
        )
        for seq, one in enumerate(behaviors, behind + 1)
    ]
