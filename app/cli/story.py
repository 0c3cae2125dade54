"""Three lines to paste that show a behaviour changing a recommendation: found by trying, not written down."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.cli.voice import console, say

_N_SHOWN = 5
_MOST_TRIES = 40
_STEP = 20  # through popular products, for some variety: the very first are what everybody buys
_PLENTY = 7  # new items and new items of the bought kind among the shown ones: no need to look further

_Shown = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """What `user_id` would see before and after buying `item_id`: titles, best first.

    `n_new` of them were not there before, `n_kin` of these are of the bought item's category.
    """

    user_id: str
    item_id: str
    title: str
    before: list[str]
    after: list[str]
    n_new: int
    n_kin: int


def tell(address: str) -> None:
    """Prints where the service is, and a change that really happens there."""
    with console().status("Looking for a household to show ..."):
        change = find_change(Service(address))
    say(console().render_str("─" * 78))
    say(f"  API            [bold]{address}[/]")
    say(f"  Console        [bold]{address}/console[/]{_page_of(change)}")
    say(f"  Documentation  [bold]{address}/docs[/]")
    if change:
        _say_change(address, change)
    say("─" * 78)
    say("  Ctrl-C stops everything; `portrait demo` starts again in seconds, with --reset from nothing.")


def _page_of(change: Change | None) -> str:
    return f"  (try [bold]/console/users/{change.user_id}[/])" if change else ""


class Service:
    """Our own API as anybody would call it."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str) -> Any:
        return self._answer(urllib.request.Request(self._address + path))  # noqa: S310 -- our own address

    def post(self, path: str, body: object) -> Any:
        headers = {"content-type": "application/json"}
        return self._answer(urllib.request.Request(self._address + path, json.dumps(body).encode(), headers))  # noqa: S310

    def _answer(self, request: urllib.request.Request) -> Any:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
            return json.load(response)


def find_change(service: Service) -> Change | None:
    """The best of some tries, made with the stateless call, so that nothing is stored; None on an empty service."""
    best: Change | None = None
    for change in islice(_tries(service), _MOST_TRIES):
        if best is None or (change.n_new + change.n_kin) > (best.n_new + best.n_kin):
            best = change
        if best.n_new + best.n_kin >= _PLENTY:
            break
    return best


def _tries(service: Service) -> Iterator[Change]:
    """Households with a short log, each with popular products that they have never bought."""
    popular = service.get("/trending?limit=200&include=item")["items"]
    for user in service.get("/users?limit=40")["items"]:
        page = service.get(f"/users/{user['user_id']}/behaviors?limit=1000")
        if page["next"] or not page["items"]:
            continue
        log = [_sendable(behavior) for behavior in page["items"]]
        known = {behavior["item_id"] for behavior in log}
        before = _wanted(service, log)
        for item in [item for item in popular if item["item_id"] not in known][::_STEP]:
            bought = {"user_id": user["user_id"], "item_id": item["item_id"], "type": "purchase"}
            yield _change(before, _wanted(service, [*log, bought]), bought, item)


def _sendable(stored: dict[str, Any]) -> dict[str, Any]:
    names = ("user_id", "item_id", "type", "occurred_at", "value", "behavior_id")
    return {name: stored[name] for name in names if stored.get(name) is not None}


def _wanted(service: Service, log: list[dict[str, Any]]) -> _Shown:
    wish = {"limit": _N_SHOWN, "include": ["item"], "behaviors": log}
    answer: _Shown = service.post("/recommendations", wish)["items"]
    return answer


def _change(before: _Shown, after: _Shown, behavior: dict[str, Any], bought: dict[str, Any]) -> Change:
    old = [item["title"] for item in before]
    new = [item for item in after if item["title"] not in old]
    kind = _kind(bought)
    return Change(
        user_id=behavior["user_id"],
        item_id=behavior["item_id"],
        title=bought["title"],
        before=old,
        after=[item["title"] for item in after],
        n_new=len(new),
        n_kin=sum(_kind(item) == kind for item in new),
    )


def _kind(item: dict[str, Any]) -> str:
    """The first two steps of its category."""
    return " > ".join(item["categories"][0].split(" > ")[:2]) if item["categories"] else item["item_id"]


def _say_change(address: str, change: Change) -> None:
    look = f"curl -s '{address}/users/{change.user_id}/recommendations?limit={_N_SHOWN}&include=item'"
    look += """ | grep -oE '"(title|text)":"[^"]*"'"""
    bought = {"user_id": change.user_id, "item_id": change.item_id, "type": "purchase"}
    buy = f"curl -s {address}/behaviors -H 'content-type: application/json' -d '{json.dumps(bought)}'"
    say("")
    say(f"  Paste these one after the other. Household {change.user_id} buys something new ({change.title}),")
    say(f"  and {change.n_new} of its {_N_SHOWN} recommendations are others at once:")
    for line in (look, buy, look):
        console().print()
        console().print(line, soft_wrap=True, markup=False)
    console().print()
