"""What the tests of the console say often: a page as a browser would read it, and what is put and done beforehand."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx2

HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)">'"></a>&amp;"""


class Tags(HTMLParser):
    """What a browser would make of a page: its elements with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def page(client: httpx2.Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    check(answer.text)
    return answer.text


def check(html: str) -> None:
    """Scripts and pictures are ours alone, and nothing of it stands inline or leads elsewhere."""
    for tag, attributes in Tags(html).found:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        assert tag != "style"
        if tag in {"script", "img", "link"}:
            assert (attributes.get("src") or attributes.get("href") or "").startswith("/console/static/"), attributes
        if tag in {"a", "form"}:
            address = attributes.get("href") or attributes.get("action") or "?"
            assert re.match(r"(/(?!/)|\?)", address), address


def put(client: httpx2.Client, *items: dict[str, object]) -> None:
    assert client.post("/items", json=list(items)).json()["rejected"] == 0


def did(client: httpx2.Client, *behaviors: dict[str, object]) -> None:
    assert client.post("/behaviors", json=list(behaviors)).json()["rejected"] == 0
