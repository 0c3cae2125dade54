"""What users did."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api.body import entries_of
from app.api.deps import Ctx
from app.api.openapi import bulk_body, failures
from app.api.problems import listed
from app.api.receipts import moved, receipt
from app.api.schemas.behaviors import BehaviorsReceipt
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.ingest.clean import BehaviorIn
from app.services.record_behaviors import record_behaviors
from app.telemetry.metrics import count_behaviors

router = APIRouter(route_class=StrictRoute, tags=["behaviors"])

_EXAMPLES = {
    "one": {"user_id": "household-1", "item_id": "product-819312", "type": "purchase"},
    "several": [
        {
            "behavior_id": "order-77-1",
            "user_id": "household-1",
            "item_id": "product-819312",
            "type": "purchase",
            "occurred_at": "2026-11-24T09:30:00Z",
            "value": 3.49,
        },
        {"user_id": "household-1", "type": "search", "text": "gluten free pasta"},
    ],
}


@router.post(
    "/behaviors",
    summary="Record behaviours",
    response_model=BehaviorsReceipt,
    responses={207: {"model": BehaviorsReceipt, "description": "Some were taken"}, **failures(408, 413, 415)},
    openapi_extra=bulk_body(BehaviorIn, _EXAMPLES),
)
@needs("behaviors:write")
async def record(request: Request, ctx: Ctx) -> Response:
    """One behaviour, an array, or NDJSON (`application/x-ndjson`); up to 10,000 or 8 MiB.

    What is answered with 200 or 207 is on disk, and in the next profile and recommendation. Bad entries are named in
    `errors`, the others are taken. A repeat (same `behavior_id`, same content) counts as duplicate.
    """
    entries = await entries_of(request)
    done = await record_behaviors(ctx, entries.raws)
    n_entries = len(entries.raws) + len(entries.faults)
    count_behaviors(done.accepted, done.duplicates, n_entries - done.accepted - done.duplicates)
    counts = {
        "accepted": done.accepted,
        "duplicates": done.duplicates,
        "warnings": [listed(moved(warning, entries)) for warning in done.warnings],
    }
    return receipt(entries, (one.fault for one in done.rejected), counts, done.accepted + done.duplicates)
