"""A slate as it goes over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from app.api.answers import answer, timed
from app.api.schemas.recommendations import DecidedOut, DecisionOut
from app.domain.catalogue import Catalogue
from app.domain.decision import Decision
from app.domain.recommendation import Recommended, Slate
from app.services.context import Context
from app.telemetry.metrics import count_recommendation


def slate_answer(ctx: Context, slate: Slate, include: Sequence[str]) -> Response:
    body = {
        "recommendation_id": slate.recommendation_id,
        "user_id": slate.user_id,
        "scenario": slate.scenario,
        "variant": slate.variant,
        "profile_version": slate.profile_version,
        "model_version": slate.model_version,
        "generated_at": slate.generated_at,
        "degraded": slate.degraded,
        "fallback_reason": slate.fallback_reason,
        "items": lines(ctx, slate.items, include),
    }
    count_recommendation(slate.fallback_reason, slate.degraded)
    return timed(body, slate.timings_ms)


def decision_answer(decision: Decision) -> Response:
    items = [{name: getattr(one, name) for name in DecidedOut.model_fields} for one in decision.items]
    return answer({name: getattr(decision, name) for name in DecisionOut.model_fields} | {"items": items})


def lines(ctx: Context, items: Sequence[Recommended], include: Sequence[str]) -> list[dict[str, Any]]:
    catalogue = ctx.world.catalogue if "item" in include else None
    return [_line(one, catalogue) for one in items]


def _line(one: Recommended, catalogue: Catalogue | None) -> dict[str, Any]:
    line: dict[str, Any] = {
        "item_id": one.item_id,
        "rank": one.rank,
        "score": one.score,
        "source": one.source,
        "reason": one.reason,
    }
    if one.contributions is not None:
        line["contributions"] = one.contributions
    if one.propensity is not None:
        line["propensity"] = one.propensity
    row = catalogue.row_of.get(one.item_id) if catalogue else None
    if catalogue and row is not None:
        item = catalogue.items[row]
        line |= {"title": item.title, "categories": item.categories, "attributes": item.attributes}
    return line
