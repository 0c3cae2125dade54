"""Items by words and meaning."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import answer
from app.api.deps import Ctx, Id, ItemId, Text
from app.api.openapi import failures
from app.api.schemas.items import FoundItems
from app.api.scopes import needs
from app.api.strict_route import StrictRoute
from app.domain.limits import DEFAULT_LIMIT, MAX_LIMIT, MAX_QUERY
from app.services.search_items import Found, search_items, similar_items

router = APIRouter(route_class=StrictRoute, tags=["items"])


class SimilarQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class SearchQuery(SimilarQuery):
    q: Annotated[Text, Field(min_length=1, max_length=MAX_QUERY, examples=["frozen pizza"])]
    user_id: Annotated[Id | None, Field(description="Brings forward what suits this user.")] = None


@router.get("/search", summary="Search items", response_model=FoundItems, responses=failures())
@needs("recommendations:read")
async def search(ctx: Ctx, query: Annotated[SearchQuery, Query()]) -> Response:
    """By words and by meaning at once: `pasta without gluten` finds what is called `GF noodles`."""
    return _answer(await search_items(ctx, query.q, query.limit, query.user_id))


@router.get(
    "/items/{item_id}/similar", summary="Items like this one", response_model=FoundItems, responses=failures(404)
)
@needs("recommendations:read")
async def similar(ctx: Ctx, item_id: ItemId, query: Annotated[SimilarQuery, Query()]) -> Response:
    """The nearest in meaning. `degraded` with no items: its text is not encoded yet, try again in a few seconds."""
    return _answer(await similar_items(ctx, item_id, query.limit))


def _answer(found: Found) -> Response:
    items = [
        {
            "item_id": item.item_id,
            "rank": rank,
            "score": score,
            "title": item.title,
            "categories": item.categories,
            "attributes": item.attributes,
        }
        for rank, (item, score) in enumerate(found.items, start=1)
    ]
    return answer({"degraded": found.degraded, "items": items})
