"""What the API was told of people is nowhere in an encrypted database or the data folder; in plain text it is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from app.services.context import Context
from app.services.user_state import LONGEST_TAIL
from tests.vault import everything, found_in

from .test_people import erased
from .wire import Service, wait_for

ERASED = "qz7erased@canary.example"
SAID = {
    part: f"qz7{part} canary"
    for part in ("attribute", "text", "search", "context", "session", "wish", "visitor", "edit")
}
PEOPLE = (
    "qz7user@canary.example",
    "qz7other@canary.example",
    "qz7refuses@canary.example",
    "qz7stranger@canary.example",
)
CANARIES = {*SAID.values(), *PEOPLE}


def kept(service: Service) -> str:
    """All that is kept after some days in the life of people."""
    with httpx2.Client(base_url=service.base_url, timeout=30) as client:
        wait_for(lambda: client.get("/health/ready").json()["parts"]["encoder"]["state"] == "ok")
        _live(client)
        erased(service, client, ERASED)
    service.run(_settle)
    files = [path for path in service.settings.data_dir.rglob("*") if path.is_file()]
    return everything(service.settings.database_url or "") + "".join(map(_bytes, files))


def test_in_plain_text_all_that_was_told_is_found(service: Service) -> None:
    """So the sweep sees it, and somebody who is erased goes."""
    assert found_in(kept(service), {*CANARIES, ERASED}) == CANARIES


def test_nothing_that_was_told_of_people_is_found(encrypted_service: Service) -> None:
    assert found_in(kept(encrypted_service), {*CANARIES, ERASED}) == set()


def _live(client: httpx2.Client) -> None:
    """Every way in which the API is told something of somebody."""
    user, other, refuses, stranger = PEOPLE
    visitor = f"session:{SAID['visitor']}"
    for path, body in (
        (f"/users/{user}", {"attributes": {"address": SAID["attribute"]}}),
        (f"/users/{refuses}/consent", {"consent": False}),
        (f"/users/{ERASED}", {"attributes": {"address": ERASED}}),
    ):
        assert client.put(path, json=body).status_code == 200
    told = client.post("/behaviors", json=list(_behaviors(user))).json()
    assert told["accepted"] == LONGEST_TAIL + 3, told
    more = [{**one, "behavior_id": f"o{n}"} for n, one in enumerate(_behaviors(other, 1))]
    more += [_view(ERASED, "e"), {"session_id": SAID["visitor"], "type": "view", "item_id": "i"}]
    assert client.post("/behaviors", json=more).json()["accepted"] == len(more)
    assert client.post(f"/users/{user}/merge", json={"from": other}).status_code == 200
    edits = [{"action": "statement", "text": SAID["edit"]}]
    seen = {"if-match": client.get(f"/users/{user}/profile").headers["etag"]}
    assert client.patch(f"/users/{user}/profile", json={"edits": edits}, headers=seen).status_code == 200
    for whose in (user, refuses, stranger, visitor):
        wish = {"statement": SAID["wish"]}
        assert client.post(f"/users/{whose}/recommendations", json=wish).status_code == 200


def _behaviors(user: str, n: int = LONGEST_TAIL + 1) -> Iterator[dict[str, Any]]:
    """So many that a checkpoint is kept."""
    yield from (_view(user, f"b{number}") for number in range(n))
    yield {"user_id": user, "type": "search", "text": SAID["search"], "behavior_id": "s"}
    yield {"user_id": user, "type": "review", "item_id": "i", "text": SAID["text"], "behavior_id": "r"}


def _view(user: str, behavior_id: str) -> dict[str, Any]:
    return {
        "user_id": user,
        "type": "view",
        "item_id": "i",
        "behavior_id": behavior_id,
        "session_id": SAID["session"],
        "context": {"note": SAID["context"]},
    }


async def _settle(ctx: Context) -> None:
    for saver in (ctx.checkpoints, ctx.decisions, ctx.wishes, ctx.quarantine):
        await saver.drain()


def _bytes(path: Path) -> str:
    return path.read_bytes().hex() + path.read_bytes().decode(errors="replace")
