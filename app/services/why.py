"""Why an item stands where it stands in an answer that was given, or why it is not there.

The ranking is computed again, from the user's log as it was then and with what serves now; so the counterfactuals are
not estimates but the very places that the item would have.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from app.domain.decision import Decision
from app.domain.edit import Edit
from app.domain.errors import NotFound
from app.domain.item import label_of
from app.domain.why import Counterfactual, SourceWord, Stage, Why
from app.profiles.evidence import facets_of_item
from app.profiles.state import State
from app.ranking.filters import rule_against
from app.ranking.targets import rows_of_facet
from app.retrieval.base import StatementVector, World
from app.services.context import Context
from app.services.decisions import read_decision
from app.services.rank import Draft, Moment, Stopwatch, draft_of, told_alone
from app.services.recommend import spoken_by
from app.services.tastes import NO_LEANINGS, leanings_of, part_of
from app.services.user_state import user_state_then
from app.services.why_words import in_words, without_words

# Each costs about as much as a request.
N_COUNTERFACTUALS = 4
_ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)


async def explain_item(ctx: Context, recommendation_id: str, item_id: str) -> Why:
    """Raises NotFound: `recommendation_unknown`, `item_unknown`."""
    decision, world = await read_decision(ctx.decisions, ctx.db, recommendation_id), ctx.world
    if item_id not in world.catalogue.row_of:
        raise NotFound("No item has this id.", "Check the id, or put the item first.", code="item_unknown")
    again = await _again(ctx, world, decision)
    return await asyncio.to_thread(_why, again, item_id)


@dataclass(frozen=True, slots=True)
class _Again:
    """A decision, and all that it takes to come to it again. Without a `state` nothing was known of the user."""

    ctx: Context
    world: World
    decision: Decision
    state: State | None
    edits: tuple[Edit, ...]
    spoken: StatementVector | None

    def draft(self, *without: str) -> Draft:
        """The slate again, or as it would be had nothing been done with what carries these facets."""
        decision, half_lives = self.decision, self.ctx.half_lives
        wish = replace(decision.wish, explain="full", without=(*decision.wish.without, *without))
        leanings = NO_LEANINGS
        if self.state is not None:
            leanings = leanings_of(self.world, self.state, half_lives, part_of(wish), self.edits)
        at = (decision.asked_at or decision.generated_at).timestamp()
        moment = Moment(leanings, at, half_lives, self.spoken, decision.recommendation_id)
        return draft_of(self.world, wish, moment, Stopwatch())


async def _again(ctx: Context, world: World, decision: Decision) -> _Again:
    spoken = await spoken_by(ctx, world, decision.wish)
    user = None
    if decision.user_id is not None:
        until, now = decision.asked_at or _ALWAYS, decision.asked_at or decision.generated_at
        user = await user_state_then(ctx, decision.user_id, decision.profile_version, until, now)
    if user is None or not user.consent:
        return _Again(ctx, world, decision, None, (), spoken)
    return _Again(ctx, world, decision, user.state, user.edits, spoken)


def _why(again: _Again, item_id: str) -> Why:
    draft, decision = again.draft(), again.decision
    row = again.world.catalogue.row_of[item_id]
    item = again.world.catalogue.items[row]
    why = Why(
        recommendation_id=decision.recommendation_id,
        item_id=item_id,
        title=item.title,
        stage="shown",
        text="",
        rank=rank_of(draft, row),
        sources=_words(draft, row),
        n_candidates=len(draft.fused.rows),
        reproduced=[one.item_id for one in draft.items] == [one.item_id for one in decision.items],
    )
    why = _placed(why, draft, row)
    if why.rank is not None:
        why = replace(why, counterfactuals=_counterfactuals(again, draft, row, why.rank))
    return replace(why, text=in_words(why, decision.wish))


def rank_of(draft: Draft, row: int) -> int | None:
    """From 1; behind the slate the other candidates follow by their scores."""
    slate = [draft.world.catalogue.row_of[one.item_id] for one in draft.items]
    rest = [other for other in draft.fused.rows.tolist() if other not in set(slate)]
    order = [*slate, *rest]
    return order.index(row) + 1 if row in order else None


def _placed(why: Why, draft: Draft, row: int) -> Why:
    """With the stage that its way ended at, and what is said of it there."""
    found = np.flatnonzero(draft.fused.rows == row)
    told = told_alone(draft, int(found[0])) if found.size else None
    if why.rank is not None and why.rank <= len(draft.items):
        shown = draft.items[why.rank - 1]
        return replace(why, source=shown.source, reason=shown.reason, contributions=shown.contributions)
    if rule := _rule(draft, why.item_id, row):
        return replace(why, stage="filter", rule=rule)
    if told is None:
        return replace(why, stage="candidates")
    stage: Stage = "mix" if int(found[0]) < draft.wish.limit else "rank"
    return replace(why, stage=stage, source=told.source, reason=told.reason, contributions=told.contributions)


def _rule(draft: Draft, item_id: str, row: int) -> str | None:
    rule = rule_against(draft.world.catalogue, draft.wish, draft.moment.leanings.had, item_id)
    never = any(row in touch.rows for touch in draft.asked.by("never"))
    return rule or ("never" if never else None)


def _words(draft: Draft, row: int) -> dict[str, SourceWord]:
    """What every source that says anything of the item says."""
    words: dict[str, SourceWord] = {}
    for generator in draft.world.generators:
        scored = generator.score(draft.query)
        place = np.flatnonzero(scored.rows == row)
        rank = int(place[0]) + 1 if place.size else None
        chance = float(scored.scores[place[0]] if place.size else scored.of(np.array([row], dtype=np.int32))[0])
        if rank is not None or chance > 0:
            words[generator.name] = SourceWord(chance, rank)
    return words


def _counterfactuals(again: _Again, draft: Draft, row: int, rank: int) -> tuple[Counterfactual, ...]:
    found = []
    for facet in _facets_behind(draft, row):
        other = rank_of(again.draft(facet), row)
        label = label_of(facet)
        found.append(Counterfactual(facet, label, other, without_words(label, rank, other)))
    return tuple(found)


def _facets_behind(draft: Draft, row: int) -> list[str]:
    """Facets of the item that the user's past carries too, the narrowest first."""
    catalogue, space = draft.world.catalogue, draft.world.space
    past = draft.moment.leanings.taste.past
    shared = []
    for facet in facets_of_item(catalogue, space, catalogue.items[row].item_id):
        carriers = rows_of_facet(catalogue, space, facet)
        if np.isin(past, carriers).any():
            shared.append((len(carriers), facet))
    return [facet for _, facet in sorted(shared)[:N_COUNTERFACTUALS]]
