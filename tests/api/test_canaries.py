"""What is sent is seen by nobody else: not in logs, not in metrics, not in failures of others."""

from __future__ import annotations

import logging

import httpx2
import pytest

from .wire import ADMIN_KEY, Service

CANARIES = {
    part: f"qz7{part}canary"
    for part in ("user", "item", "title", "type", "text", "category", "attribute", "session", "statement", "cursor")
}


@pytest.fixture(scope="module")
def told(admin: httpx2.Client, locked: httpx2.Client, locked_service: Service) -> dict[str, str]:
    """All that others could see after a day of good and bad requests: logs, metrics and answers to others."""
    seen = _Seen()
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(seen)
    root.setLevel(logging.DEBUG)
    try:
        key = admin.post("/keys", json={"name": "canary key", "scopes": ["admin"]}).json()["key"]
        send_all(admin, locked_service)
        answers = _asked_by_others(admin, locked, key)
        metrics = admin.get("/metrics").text
    finally:
        root.removeHandler(seen)
        root.setLevel(level)
    return {"logs": "\n".join(seen.lines), "metrics": metrics, "answers": "\n".join(answers), "key": key}


class _Seen(logging.Handler):
    """What our own code logs; the client of the test tells its addresses too."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("http"):
            self.lines.append(record.getMessage())


def send_all(admin: httpx2.Client, service: Service) -> None:
    user, item = CANARIES["user"], CANARIES["item"]
    item_body = {
        "title": CANARIES["title"],
        "categories": [CANARIES["category"]],
        "attributes": {CANARIES["attribute"]: CANARIES["attribute"]},
    }
    behavior = {
        "user_id": user,
        "item_id": item,
        "type": CANARIES["type"],
        "text": CANARIES["text"],
        "session_id": CANARIES["session"],
        "behavior_id": "one",
    }
    assert admin.put(f"/items/{item}", json=item_body).status_code == 200
    assert (
        admin.put(f"/users/{user}", json={"attributes": {CANARIES["attribute"]: CANARIES["attribute"]}}).status_code
        == 200
    )
    assert admin.post("/behaviors", json=[behavior, {**behavior, "text": "another"}]).status_code == 207
    wish = {"statement": CANARIES["statement"], "exclude": [item]}
    assert admin.post(f"/users/{user}/recommendations", json=wish).status_code == 200
    assert admin.get("/search", params={"q": CANARIES["text"], "user_id": user}).status_code == 200
    _provoke(admin, service)


def _provoke(admin: httpx2.Client, service: Service) -> None:
    """Failures of every kind: of reading, of checking, of looking up, and a defect."""
    user, item, text = CANARIES["user"], CANARIES["item"], CANARIES["text"]
    admin.post("/behaviors", content=f'{{"user_id": "{user}", "text": "{text}"'.encode())
    admin.post("/behaviors", json={"user_id": user, "type": CANARIES["type"], text: text, "occurred_at": text})
    admin.get(f"/users/{user}/recommendations", params={"filter": text, "category": "\x00" + text})
    admin.get(f"/users/{user}/profile", params={"at": text})
    admin.get("/users", params={"cursor": CANARIES["cursor"]})
    admin.get(f"/nowhere/{user}")
    admin.request("DELETE", f"/users/{user}/profile")
    admin.get(f"/jobs/{item}")
    catch_up, service.app.state.catch_up = service.app.state.catch_up, None
    try:
        assert admin.put(f"/items/{item}", json={"title": CANARIES["title"]}).status_code == 500
    finally:
        service.app.state.catch_up = catch_up


def _asked_by_others(admin: httpx2.Client, locked: httpx2.Client, key: str) -> list[str]:
    """4xx answers to other users, to other keys and to nobody."""
    others = admin.post("/keys", json={"name": "other", "scopes": ["behaviors:write"]}).json()["key"]
    answers = [
        locked.get(f"/users/{CANARIES['user']}/profile"),
        locked.get(f"/users/{CANARIES['user']}/profile", headers={"x-api-key": others}),
        locked.get("/items", headers={"x-api-key": key + "x"}),
        locked.get("/users", headers={"authorization": f"Bearer {ADMIN_KEY[:-1]}"}),
        admin.get("/users/somebody-else/profile"),
        admin.get("/items/something-else"),
        admin.get("/users/somebody-else/profile?at=never"),
        locked.post("/behaviors", json={"user_id": "somebody-else"}, headers={"x-api-key": others}),
        locked.post("/behaviors", json=[{"usr_id": "x"}], headers={"x-api-key": others}),
        admin.get("/users?cursor=stolen"),
        admin.get("/nowhere"),
    ]
    assert all(400 <= answer.status_code < 500 for answer in answers)
    return [answer.text + str(answer.headers) for answer in answers]


@pytest.mark.parametrize("place", ["logs", "metrics", "answers"])
def test_nothing_that_was_sent_is_seen_elsewhere(told: dict[str, str], place: str) -> None:
    assert told[place]
    assert [part for part, canary in CANARIES.items() if canary in told[place]] == []


@pytest.mark.parametrize("place", ["logs", "metrics", "answers"])
def test_no_key_is_seen_anywhere(told: dict[str, str], place: str) -> None:
    for secret in (told["key"], told["key"].split("_")[2], ADMIN_KEY, "canary key"):
        assert secret not in told[place]


def test_the_logs_were_on(told: dict[str, str]) -> None:
    assert "/users/{user_id}/profile" in told["logs"]
    assert "TypeError" in told["logs"]
