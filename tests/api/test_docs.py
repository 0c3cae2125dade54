"""Documentation: works without a network, and describes what the service does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx2
import pytest

from app.main import create_app
from app.settings import Settings

SNAPSHOT = Path(__file__).parent / "openapi.json"


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_docs_page_and_all_it_needs_come_from_here(client: httpx2.Client, page: str) -> None:
    html = client.get(page)
    assert html.headers["content-type"].startswith("text/html")
    assert "//" not in html.text.replace("<!doctype html>", "")
    assert "default-src 'none'" in html.headers["content-security-policy"]
    needed = re.findall(r'(?:src|href|spec-url)="([^"]+)"', html.text)
    assert len(needed) >= 3
    for address in needed:
        assert client.get("/" + address).status_code == 200, address


def test_the_api_is_the_one_that_was_agreed() -> None:
    """After a change on purpose: `portrait openapi > tests/api/openapi.json`."""
    document = create_app(Settings(_env_file=None)).openapi()
    assert json.loads(SNAPSHOT.read_text()) == json.loads(json.dumps(document))


def test_every_call_has_a_summary_a_tag_and_its_failures() -> None:
    document = create_app(Settings(_env_file=None)).openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["tags"], (method, path)
            assert {"400", "422", "500", "503"} <= set(operation["responses"]), (method, path)
    assert "HTTPValidationError" not in json.dumps(document)


def test_the_document_is_served(client: httpx2.Client) -> None:
    assert client.get("/openapi.json").json()["info"]["title"] == "Portrait"


def test_no_asset_beside_those_meant_is_served(client: httpx2.Client) -> None:
    assert client.get("/docs/assets/README.md").status_code == 404
    assert client.get("/docs/assets/%2e%2e%2fauth.py").status_code in {404, 422}
