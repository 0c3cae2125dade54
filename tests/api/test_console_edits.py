"""A profile is changed by hand in the console: what its buttons send, what it tells beforehand and afterwards."""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from .pages import HOSTILE, Tags, did, page, put
from .wire import Service

ACTIONS = {"more", "less", "never", "pin"}


@pytest.fixture(scope="module")
def shop(client: httpx2.Client, service: Service) -> httpx2.Client:
    put(
        client,
        *(
            {"item_id": f"ce-{kind}{n}", "title": f"{kind} {n}", "categories": [f"Bakery > {kind}"]}
            for kind in ("Rolls", "Cakes")
            for n in range(4)
        ),
    )
    service.run(lambda _: service.app.state.follower.step())
    return client


@pytest.fixture
def baker(shop: httpx2.Client) -> str:
    """Somebody new who has bought rolls and dislikes a cake."""
    user_id = f"ce-{secrets.token_hex(4)}"
    did(
        shop,
        *({"user_id": user_id, "item_id": f"ce-Rolls{n}", "type": "purchase"} for n in range(3)),
        {"user_id": user_id, "item_id": "ce-Cakes0", "type": "dislike"},
    )
    return user_id


def changes(html: str) -> list[dict[str, Any]]:
    """What the buttons of a page send."""
    return [json.loads(unescape(sent)) for sent in re.findall(r"data-edit='([^']+)'", html)]


def shown(html: str) -> list[str]:
    """The items that are recommended, in their order."""
    return [unescape(item_id) for item_id in re.findall(r'<li data-item="([^"]+)"', html)]


def told_of(html: str) -> tuple[str, str]:
    """Where the profile is changed, and the version that the page shows."""
    found = re.search(r'data-profile="([^"]+)" data-version="(\d*)"', html)
    assert found is not None
    return unescape(found[1]), found[2]


def change(client: httpx2.Client, user_id: str, *edits: dict[str, Any]) -> dict[str, Any]:
    """As the script of the page does it."""
    path = f"/users/{quote(user_id, safe='')}/profile"
    held = client.get(path)
    headers = {"if-match": held.headers["etag"]} if held.status_code == 200 else {}
    answer = client.patch(path, json={"edits": list(edits)}, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_every_button_is_a_change_that_the_api_makes(shop: httpx2.Client, baker: str) -> None:
    html = page(shop, f"/console/users/{baker}")
    path, version = told_of(html)
    profile = shop.get(path).json()
    assert version == str(profile["version"])
    sent = changes(html)
    for line in (*profile["interests"], *profile["avoids"]):
        assert {one["action"] for one in sent if one.get("facet") == line["facet"]} == ACTIONS
    for item_id in shown(html):
        assert {one["action"] for one in sent if one.get("item_id") == item_id} == {"more", "pin", "never"}
    for one in sent:
        assert shop.patch(f"{path}?dry_run=true", json={"edits": [one]}).status_code == 200, one


def test_what_holds_is_listed_and_can_be_withdrawn(shop: httpx2.Client, baker: str) -> None:
    assert "Nothing is changed by hand" in page(shop, f"/console/users/{baker}")
    change(shop, baker, {"action": "less", "facet": "rolls"})
    change(shop, baker, {"action": "statement", "text": "no cakes for a week"})
    change(shop, baker, {"action": "more", "facet": "rolls"})
    html = unescape(page(shop, f"/console/users/{baker}"))
    for edit in shop.get(f"/users/{baker}/profile").json()["edits"]:
        assert edit["in_words"] in html
    assert "no cakes for a week" in html
    assert html.count("a newer one wins") == 1
    reverts = [one for one in changes(html) if one["action"] == "revert"]
    assert len(reverts) == 3
    change(shop, baker, *reverts)
    assert "Nothing is changed by hand" in page(shop, f"/console/users/{baker}")


def test_a_change_shows_in_the_list_that_is_made_anew(shop: httpx2.Client, baker: str) -> None:
    first = shown(page(shop, f"/console/users/{baker}"))[0]
    change(shop, baker, {"action": "never", "item_id": first})
    assert first not in shown(page(shop, f"/console/users/{baker}"))


@pytest.mark.parametrize(
    ("query", "told", "makes"),
    [
        ("say=no+cakes+for+a+week", "For 7 days: never cakes", {"action": "statement", "text": "no cakes for a week"}),
        ("change=more&say=rolls", "more rolls", {"action": "more", "facet": "rolls"}),
        ("change=pin&say=%00rolls+", "rolls first", {"action": "pin", "facet": "rolls"}),
        ("change=never&say=cakse", "Did you mean", None),
        ("say=more+cakes+and+no+cakes", "contradicts itself", None),
        ("say=+", "", None),
    ],
)
def test_a_change_is_told_before_it_is_made(
    shop: httpx2.Client, baker: str, query: str, told: str, makes: dict[str, str] | None
) -> None:
    html = unescape(page(shop, f"/console/users/{baker}?{query}"))
    assert told in html
    assert [one for one in changes(html) if one in (makes,)] == ([makes] if makes else [])
    assert ('class="preview"' in html) == bool(told)
    assert shop.get(f"/users/{baker}/profile").json()["edits"] == [], "it was only told"
    assert makes is None or change(shop, baker, makes)["applied"]


@pytest.mark.parametrize("query", ["change=revert&say=x", "say=" + 2001 * "x", "scenario=a/b"])
def test_what_cannot_be_read_is_a_page_that_helps(shop: httpx2.Client, query: str) -> None:
    assert "cannot be read" in page(shop, f"/console/users/ce-x?{query}", 422)


def test_what_was_is_not_changed(shop: httpx2.Client, baker: str) -> None:
    html = page(shop, f"/console/users/{baker}?at={(datetime.now(UTC) - timedelta(days=2)).date()}&say=no+cakes")
    assert changes(html) == []
    assert 'class="preview"' not in html


def test_an_unknown_user_may_begin_with_a_wish(shop: httpx2.Client) -> None:
    html = page(shop, "/console/users/ce-nobody?say=no+cakes", 404)
    assert told_of(html) == ("/users/ce-nobody/profile", "")
    wish = {"action": "statement", "text": "no cakes"}
    assert wish in changes(html)
    change(shop, "ce-nobody", wish)
    html = page(shop, "/console/users/ce-nobody")
    assert "no cakes" in html
    assert "ce-Cakes" not in str(shown(html))


def test_forms_only_read_and_what_changes_says_that_it_needs_a_script(shop: httpx2.Client, baker: str) -> None:
    html = page(shop, f"/console/users/{baker}?say=no+cakes")
    forms = [attributes for tag, attributes in Tags(html).found if tag == "form"]
    assert len(forms) == 5
    assert {attributes.get("method") for attributes in forms} == {None}
    assert "Without JavaScript everything can be read and nothing changed" in html
    assert "Applying it needs JavaScript" in html


def test_hostile_texts_of_changes_stay_texts(shop: httpx2.Client, service: Service) -> None:
    user_id, item_id = "ce<img src=x onerror=alert(3)>'\"", "ce<script>alert(4)<"
    facet = f"category:{HOSTILE.replace('/', '').lower()}"
    put(shop, {"item_id": item_id, "title": HOSTILE, "categories": [HOSTILE.replace("/", "")]})
    service.run(lambda _: service.app.state.follower.step())
    change(shop, user_id, {"action": "statement", "text": f"no cakes {HOSTILE}"})
    change(shop, user_id, {"action": "pin", "item_id": item_id}, {"action": "more", "facet": facet})
    at_user = f"/console/users/{quote(user_id, safe='')}"
    html = page(shop, at_user)
    assert told_of(html)[0] == f"/users/{quote(user_id, safe='')}/profile"
    assert HOSTILE in unescape(html)
    (edited,) = [one["facet"] for one in shop.get(told_of(html)[0]).json()["interests"]]
    assert "alert(1)" in edited
    assert {"action": "never", "facet": edited} in changes(html)
    assert {"action": "never", "item_id": item_id} in changes(html)
    for say in (HOSTILE, f"no {HOSTILE}", f"less {HOSTILE}, no cakes"):
        for kind in ("statement", "more"):
            assert 'class="preview"' in page(shop, f"{at_user}?history=true&change={kind}&say={quote(say)}")


def test_the_list_is_shown_as_a_scenario_has_it(shop: httpx2.Client, baker: str) -> None:
    settings = {"limit": 3, "pinned": ["ce-Cakes3"], "explain": "none"}
    assert shop.put("/scenarios/ce-place", json=settings).status_code == 200
    plain, html = (page(shop, f"/console/users/{baker}{query}") for query in ("", "?scenario=ce-place"))
    assert "<option>ce-place</option>" in plain
    assert "<option selected>ce-place</option>" in html
    assert len(shown(html)) == 3
    assert shown(html)[0] == "ce-Cakes3"
    assert "<option selected>ce-label</option>" in page(shop, f"/console/users/{baker}?scenario=ce-label")


@pytest.mark.parametrize(("query", "scenario"), [("", "console"), ("?scenario=mail", "mail")])
def test_what_is_looked_at_is_a_decision_of_its_own(shop: httpx2.Client, baker: str, query: str, scenario: str) -> None:
    html = page(shop, f"/console/users/{baker}{query}")
    found = re.search(r"rec_[0-9a-f]{24}", html)
    assert found is not None
    decision = shop.get(f"/recommendations/{found[0]}").json()
    assert decision["user_id"] == baker
    assert decision["scenario"] == scenario
    assert [one["item_id"] for one in decision["items"]] == shown(html)
