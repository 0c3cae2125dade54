"""The console of a service that has learned something, without a socket."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from app.bootstrap import set_up_logs
from app.main import create_app
from app.services.context import Context
from app.services.embed_texts import embed_texts
from app.services.follow import Follower
from app.services.manage_items import put_items
from app.services.publish_space import publish_space
from app.services.record_behaviors import record_behaviors
from app.services.retrain import retrain
from app.settings import Settings

SHELVES = {"food": ("Pizza", "Rye bread", "Gouda cheese", "Pasta"), "tools": ("Hammer", "Drill", "Hand saw", "Spade")}


@pytest.fixture
async def browser(context: Context) -> AsyncIterator[httpx2.AsyncClient]:
    follower = Follower(context)
    await put_items(context, [_item(shelf, n) for shelf, titles in SHELVES.items() for n in range(len(titles))])
    await record_behaviors(
        context, [_bought(shelf, user, step) for shelf in SHELVES for user in range(5) for step in "012"]
    )
    while await embed_texts(context):
        pass
    await publish_space(context)
    await retrain(context)
    await follower.start()
    settings = Settings(_env_file=None)
    set_up_logs(settings)
    app = create_app(settings)
    app.state.context, app.state.follower = context, follower
    await app.state.keys.step(context.db)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://portrait") as client:
        yield client


def _item(shelf: str, n: int) -> dict[str, object]:
    return {"item_id": f"{shelf}-{n}", "title": SHELVES[shelf][n], "categories": [f"Shop > {shelf}"]}


def _bought(shelf: str, user: int, step: str) -> dict[str, object]:
    at = datetime.now(UTC) - timedelta(days=9 - int(step))
    item = f"{shelf}-{(user + int(step)) % 4}"
    return {"user_id": f"{shelf}-{user}", "item_id": item, "type": "purchase", "occurred_at": at.isoformat()}


async def test_what_a_place_is_made_of_is_told_one_click_away(browser: httpx2.AsyncClient) -> None:
    user = (await browser.get("/console/users/food-1")).text
    ways = re.findall(r'data-from="([^"]+)"', user)
    assert len(ways) == user.count("<li data-item=") > 0
    told = (await browser.get(ways[0])).text
    assert 'class="sources"' in told
    assert 'class="odds"' in told
    assert "Share of each source" in told
    assert "Rank 1: " in told


async def test_the_start_tells_what_serves_and_what_trends(browser: httpx2.AsyncClient) -> None:
    html = (await browser.get("/console")).text
    assert "Learned from behaviours" in html
    assert "Too few behaviours to learn an order from" in html
    assert "30 behaviours" in html
    assert any(f">{title}</a>" in html for titles in SHELVES.values() for title in titles)


async def test_an_item_with_a_vector_shows_what_is_like_it(browser: httpx2.AsyncClient) -> None:
    html = (await browser.get("/console/items/tools-0")).text
    assert "its text has a vector" in html
    assert "/console/items/tools-1" in html
