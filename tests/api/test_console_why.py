"""Why, and why not, as people read it in the console."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

import httpx2
import pytest

from .pages import HOSTILE, did, page, put
from .wire import Service


@pytest.fixture(scope="module")
def slate(client: httpx2.Client, service: Service) -> str:
    """The path of an answer in the console."""
    hostile = {"item_id": "cw<script>alert(4)<", "title": HOSTILE, "categories": [f"Cw > {HOSTILE.replace('/', '')}"]}
    items = [{"item_id": f"cw-{n}", "title": f"Kettle {n}", "categories": [f"Cw > {'ab'[n % 2]}"]} for n in range(12)]
    put(client, hostile, {**hostile, "item_id": "cw-like-it"}, *items)
    did(client, *({"user_id": "cw-user", "item_id": f"cw-{n}", "type": "purchase"} for n in (0, 2, 3)))
    did(client, {"user_id": "cw-user", "item_id": "cw-like-it", "type": "purchase"})
    service.run(lambda _: service.app.state.follower.step())
    answer = client.get("/users/cw-user/recommendations?category=cw&limit=5").json()
    return f"/recommendations/{answer['recommendation_id']}"


def test_every_item_of_the_list_leads_to_its_why(client: httpx2.Client, slate: str) -> None:
    html = page(client, "/console/users/cw-user")
    ways = re.findall(r'data-from="([^"]+)"', html)
    assert len(ways) == html.count("<li data-item=") > 0
    assert "Rank 1: " in page(client, unescape(ways[0]))
    for way in ways:
        assert f'<a href="{way}">Tell why</a>' in html, "without a script too"


def test_why_is_told_as_the_api_tells_it(client: httpx2.Client, slate: str) -> None:
    for item_id in ("cw<script>alert(4)<", *(f"cw-{n}" for n in range(12))):
        way = f"{slate}/items/{quote(item_id, safe='')}"
        why, html = client.get(way).json(), unescape(page(client, f"/console{way}"))
        assert why["text"] in html
        assert "/console/users/cw-user" in html
        for one in why["counterfactuals"]:
            assert one["text"].replace("->", "→") in html
        for name in why["sources"]:
            assert f'<th scope="row">{name}</th>' in html


def test_why_not_by_an_id_or_by_words(client: httpx2.Client, slate: str) -> None:
    html = page(client, f"/console{slate}/items?q=cw-0")
    assert client.get(f"{slate}/items/cw-0").json()["text"] in unescape(html)
    html = page(client, f"/console{slate}/items?q=kettle")
    choices = re.findall(r'<a href="([^"]+)" data-bring>', html)
    assert choices
    assert 'id="told"' in page(client, unescape(choices[0]))
    assert "fits these words" in page(client, f"/console{slate}/items?q=%00cw-zzz")
    assert "Name an item" in page(client, f"/console{slate}/items")


@pytest.mark.parametrize("q", [HOSTILE, "cw<script>alert(4)<", 'kettle" onload=alert(1)'])
def test_hostile_texts_stay_texts(client: httpx2.Client, slate: str, q: str) -> None:
    assert 'id="told"' in page(client, f"/console{slate}/items?q={quote(q)}")


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/console/recommendations/rec_000000000000000000000000/items/cw-1", 404, "No recommendation has this id"),
        ("/console/recommendations/rec_000000000000000000000000/items?q=kettle", 404, "No recommendation has this id"),
        ("/console/recommendations/x/items?q=" + 1001 * "x", 422, "cannot be read"),
        ("/console/recommendations/x/items/%20", 422, "cannot be read"),
    ],
)
def test_what_is_not_there_is_a_page_that_helps(
    client: httpx2.Client, slate: str, path: str, status: int, told: str
) -> None:
    assert told in page(client, path, status)


def test_an_unknown_item_is_named_as_such(client: httpx2.Client, slate: str) -> None:
    assert "No item has this id" in page(client, f"/console{slate}/items/cw-nothing", 404)
