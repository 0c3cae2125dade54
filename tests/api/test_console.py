"""The console: every page comes, says what it should, and shows hostile texts as texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from app import console
from app.services.context import Context
from app.storage.models import register

from .pages import HOSTILE, check, did, page, put
from .wire import Service

FOLDER = Path(console.__file__).parent
OURS = [path for path in FOLDER.rglob("*") if path.suffix in {".html", ".css", ".js", ".svg"}]


@pytest.fixture(scope="module")
def ann(client: httpx2.Client) -> str:
    """Somebody who has bought tea for a month and has searched for something."""
    put(
        client,
        *({"item_id": f"ct-tea{n}", "title": f"Tea number {n}", "categories": ["Drinks > Tea"]} for n in range(6)),
        {"item_id": "ct-milk", "title": "Whole milk", "description": "From here.", "attributes": {"brand": "farm"}},
    )
    start = datetime.now(UTC) - timedelta(days=30)
    did(
        client,
        *(
            {
                "user_id": "ct-ann",
                "item_id": f"ct-tea{n % 3}",
                "type": "purchase",
                "occurred_at": (start + timedelta(days=n)).isoformat(),
            }
            for n in range(25)
        ),
        {"user_id": "ct-ann", "type": "search", "text": "green tea"},
    )
    return "ct-ann"


@pytest.mark.parametrize(
    "path", ["/console", "/console/models", "/console/search", "/console/search?q=tea", "/console/search?q=ct-"]
)
def test_a_page_comes(client: httpx2.Client, ann: str, path: str) -> None:
    assert "Portrait" in page(client, path)


def test_the_start_tells_what_runs(client: httpx2.Client) -> None:
    html = page(client, "/console")
    for part in client.get("/health/ready").json()["parts"]:
        assert f">{part}</span>" in html
    assert re.search(r"<b>[\d,]+</b> behaviours", html)


def test_search_finds_users_by_the_beginning_of_their_id_and_items_by_words(client: httpx2.Client, ann: str) -> None:
    assert f"/console/users/{ann}" in page(client, "/console/search?q=ct-an")
    assert "/console/items/ct-milk" in page(client, "/console/search?q=whole+milk")
    assert "this very id" in page(client, "/console/search?q=ct-milk")
    assert f"/console/users/{ann}" not in page(client, "/console/search?q=ct_an")


def test_a_user_is_shown_as_the_api_tells(client: httpx2.Client, ann: str) -> None:
    html = unescape(page(client, f"/console/users/{ann}"))
    profile = client.get(f"/users/{ann}/profile").json()
    slate = client.get(f"/users/{ann}/recommendations", params={"limit": 12}).json()
    assert profile["summary"]["text"] in html
    for interest in profile["interests"]:
        assert f'data-key="{interest["facet"]}"' in html
    assert "green tea" in html
    assert re.findall(r'<li data-item="([^"]+)"', html) == [one["item_id"] for one in slate["items"]]
    for one in slate["items"]:
        assert one["reason"]["text"] in html


def test_evidence_comes_on_demand(client: httpx2.Client, ann: str) -> None:
    bare, full = (page(client, f"/console/users/{ann}{query}") for query in ("", "?evidence=true"))
    assert full.count('class="evidence"') > bare.count('class="evidence"')
    assert "?evidence=true" in bare
    assert "?evidence=true" not in full


def test_a_profile_is_shown_as_it_was(client: httpx2.Client, ann: str) -> None:
    day = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
    html = page(client, f"/console/users/{ann}?at={day}")
    assert f"as of {day}" in html
    assert "What would have been shown" in html
    assert 'data-call="POST /behaviors"' not in html, "what is done now does not change what was"
    profile = client.get(f"/users/{ann}/profile", params={"at": f"{day}T23:59:59.999999Z"}).json()
    assert f"<dd>{profile['counts']['purchase']}</dd>" in html
    assert "as of" not in page(client, f"/console/users/{ann}?at=2999-01-01")


def test_the_history_comes_on_demand_with_what_moved_it(client: httpx2.Client, ann: str) -> None:
    assert 'class="change"' not in page(client, f"/console/users/{ann}")
    html = page(client, f"/console/users/{ann}?history=true")
    versions = client.get(f"/users/{ann}/profile/history", params={"limit": 10}).json()["items"]
    assert html.count('class="change"') == sum(len(one["changes"]) for one in versions) > 0
    for one in versions:
        assert f"version {one['version']}," in html
    then = re.findall(r'href="(\?at=[^"]+)" title="The profile as it was then"', html)
    assert len(then) == len(versions)
    assert "as of" in page(client, f"/console/users/{ann}{then[-1]}")


def test_behaviours_come_page_by_page(client: httpx2.Client, ann: str) -> None:
    first = page(client, f"/console/users/{ann}")
    older = re.search(r'href="\?before=(\d+)"', first)
    assert older is not None
    second = page(client, f"/console/users/{ann}?before={older[1]}")
    assert first.count('<span class="kind">purchase</span>') == 19
    assert second.count('<span class="kind">purchase</span>') >= 6
    assert "?before=" not in second.replace('data-set="before"', "")


def test_an_item_is_shown(client: httpx2.Client, ann: str) -> None:
    html = page(client, "/console/items/ct-milk")
    for text in ("Whole milk", "From here.", "brand farm", "available"):
        assert text in html
    assert "not available" not in html


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/console/users/ct-nobody", 404, "Nothing is known"),
        ("/console/items/ct-nothing", 404, "no item of this id"),
        ("/console/nothing/here", 404, "no such page"),
        ("/console/static/nothing.css", 404, "no such file"),
        ("/console/users/%20x", 422, "cannot be read"),
        ("/console/users/ct-x?at=yesterday", 422, "cannot be read"),
        ("/console/users/ct-x?at=9999-12-31", 404, "Nothing is known"),
        ("/console/users/ct-x?before=0", 422, "cannot be read"),
        ("/console/search?q=" + 1001 * "x", 422, "cannot be read"),
    ],
)
def test_what_is_not_there_is_a_page_that_helps(client: httpx2.Client, path: str, status: int, told: str) -> None:
    html = page(client, path, status)
    assert told in html
    assert 'href="/console"' in html


def test_an_unknown_user_is_shown_what_would_be_recommended(client: httpx2.Client, ann: str) -> None:
    assert 'data-call="POST /behaviors"' in page(client, "/console/users/ct-nobody", 404)


def test_hostile_texts_stay_texts(client: httpx2.Client) -> None:
    user_id, item_id = "ct<img src=x onerror=alert(3)>'\"", "ct<script>alert(4)<"
    item = {
        "item_id": item_id,
        "title": HOSTILE,
        "description": HOSTILE,
        "categories": [HOSTILE.replace("/", "")],
        "attributes": {HOSTILE[:60]: HOSTILE, "brand": "<b onclick=1>"},
    }
    put(client, item, item | {"item_id": "ct-hostile-2"})
    did(
        client,
        {"user_id": user_id, "item_id": item_id, "type": "purchase", "context": {"a": HOSTILE}},
        {"user_id": user_id, "type": "search", "text": HOSTILE},
        {"user_id": user_id, "item_id": "ct-hostile-2", "type": "dislike"},
    )
    at_user = f"/console/users/{quote(user_id, safe='')}"
    client.put(f"/users/{quote(user_id, safe='')}", json={"attributes": {HOSTILE[:60]: HOSTILE}})
    for path in (
        at_user,
        f"{at_user}?evidence=true&history=true",
        f"/console/items/{quote(item_id, safe='')}",
        f"/console/search?q={quote(HOSTILE)}",
        f"/console/search?q={quote(user_id)}",
        "/console",
    ):
        html = page(client, path)
        assert "alert(" in html or path == "/console"
    assert HOSTILE in unescape(page(client, at_user))
    check(client.get(f"/console/users/{quote(HOSTILE.replace('/', ''))}").text)


def test_versions_are_shown_with_their_verdict_and_figures(client: httpx2.Client, service: Service) -> None:
    async def publish(ctx: Context) -> int:
        manifest = ctx.store.publish(
            "space", lambda folder: (folder / "x").write_text("x") and None, {"n_items": 4_321, "encoder": "none"}
        )
        verdict = {
            "promoted": True,
            "reasons": ["It <b>wins</b>."],
            "figures": {"new, champion": 0.25, "new, slit": 0.5},
        }
        return await register(ctx.db, "space", manifest, verdict, False)

    version = service.run(publish)
    html = page(client, "/console/models")
    assert f"POST /models/{version}/promotion" in html
    assert "It &lt;b&gt;wins&lt;/b&gt;." in html
    assert "4,321 items" in html
    assert html.index("0.5000") < html.index("0.2500")


def test_a_job_can_be_watched_and_cancelled(client: httpx2.Client) -> None:
    job_id = client.post("/jobs", json={"kind": "train"}).json()["job_id"]
    try:
        for path in ("/console", "/console/models"):
            html = page(client, path)
            assert f"DELETE /jobs/{job_id}" in html
            assert 'data-poll="jobs models"' in html
    finally:
        client.delete(f"/jobs/{job_id}")
    html = page(client, "/console/models")
    assert f"DELETE /jobs/{job_id}" not in html
    assert "data-poll" not in html


@pytest.mark.parametrize("file", OURS, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(file: Path) -> None:
    text = file.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.findall(r"https?:|[\"'(=]//|@import|url\(", text)


@pytest.mark.parametrize("file", [path for path in OURS if path.suffix == ".html"], ids=lambda path: path.name)
def test_no_template_escapes_by_itself_or_scripts_inline(file: Path) -> None:
    text = file.read_text()
    assert not re.findall(r"\|\s*safe|autoescape|<style|\sstyle=|\son\w+=|<script(?! src=\")", text)


def test_assets_are_served_and_may_be_kept(client: httpx2.Client) -> None:
    for address in re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page(client, "/console")):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["cache-control"]


def test_console_is_no_part_of_the_api(client: httpx2.Client) -> None:
    assert not [path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/console")]
