"""Every failure of every call is a problem with a code that is explained, and repeats nothing that was sent."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from app.api.error_table import MEANINGS
from app.domain import errors as tree

from .wire import OPERATIONS, WITH_BODY, Service, filled, problem_of

SECRET = "wv7secretword"


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_unknown_parameter_is_refused_on_every_call(client: httpx2.Client, method: str, path: str) -> None:
    answer = client.request(method, filled(path, "malformed_body"), params={"limti": SECRET}, json={})
    body = problem_of(answer, 422)
    assert body["errors"][0]["code"] == "unknown_parameter"
    assert body["errors"][0]["pointer"] == "?limti"
    assert SECRET not in answer.text


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if "_id}" in one[1]])
@pytest.mark.parametrize("bad", ["%00", "%5C", "%2e%2e", "%20x", "x%09", "x" * 129, "a%2Fb", "%E2%80%A8"])
def test_an_id_that_cannot_be_stored_is_refused_on_every_call(
    client: httpx2.Client, method: str, path: str, bad: str
) -> None:
    answer = client.request(method, filled(path, bad), json={})
    assert problem_of(answer, 422)["errors"][0]["code"] == "invalid_id"


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_every_call_with_a_body_refuses_what_is_no_json(client: httpx2.Client, method: str, path: str) -> None:
    problem_of(client.request(method, filled(path), content=b"{]", headers={"content-type": "application/json"}), 400)
    problem_of(client.request(method, filled(path), content=b"", headers={"content-type": "application/json"}), 400)
    problem_of(client.request(method, filled(path), content=b"a=1", headers={"content-type": "text/plain"}), 415)
    problem_of(client.request(method, filled(path), content=b"\x1f\x8b", headers={"content-encoding": "gzip"}), 415)


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_every_call_with_a_body_refuses_unknown_fields(client: httpx2.Client, method: str, path: str) -> None:
    answer = client.request(method, filled(path), json={"atributes": {}, SECRET: SECRET * 50})
    body = problem_of(answer, 422)
    assert "unknown_field" in {fault["code"] for fault in body["errors"]}
    assert SECRET * 50 not in answer.text


@pytest.mark.parametrize("name", ["²", "٣", "5", "123456", "-1", "a/0"])
def test_a_field_may_be_named_like_a_number(client: httpx2.Client, name: str) -> None:
    body = problem_of(client.put("/users/numbers", json={name: 1}), 422)
    assert body["errors"][0]["code"] == "unknown_field"


def test_a_wrong_method_names_the_right_ones(client: httpx2.Client) -> None:
    answer = client.delete("/behaviors")
    assert problem_of(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "POST"
    assert client.post("/items/x").headers["allow"] == "DELETE, GET, PATCH, PUT"
    problem_of(client.post("/docs"), 405)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/behaviours", "/behaviors"),
        ("/users/u1/recomendations", "/users/{user_id}/recommendations"),
        ("/users/u1/profile/", "/users/{user_id}/profile"),
        ("/user/u1", "/users/{user_id}"),
        ("/healthz", "/health/live"),
        ("/nothing/like/it", "/docs"),
        ("/", "/docs"),
    ],
)
def test_an_unknown_path_names_the_nearest(client: httpx2.Client, path: str, hint: str) -> None:
    body = problem_of(client.get(path), 404)
    assert body["code"] == "not_found"
    assert hint in body["hint"]
    assert "u1" not in body["hint"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=abc", "invalid_type"),
        ("limit=0", "invalid_value"),
        ("limit=201", "invalid_value"),
        ("limit=1e400", "invalid_type"),
        ("limit=5&limit=6", "repeated_parameter"),
        ("diversity=NaN", "invalid_value"),
        ("diversity=2", "invalid_value"),
        ("seen=maybe", "invalid_value"),
        ("explain=", "invalid_value"),
        ("include=everything", "invalid_value"),
        ("at=2026-01-01", "invalid_time"),
        ("at=9999-12-31T23:59:59-14:00", "invalid_time"),
        ("exclude=a%2Fb", "invalid_id"),
        ("filter=brand", "invalid_value"),
        ("category=%00", "invalid_text"),
        ("scenario=%00", "invalid_id"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(client: httpx2.Client, query: str, code: str) -> None:
    body = problem_of(client.get(f"/users/u1/recommendations?{query}"), 422)
    assert body["errors"][0]["code"] == code
    assert body["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


def test_an_address_that_is_not_utf8_is_refused(client: httpx2.Client) -> None:
    assert problem_of(client.get("/users/%ff/profile"), 400)["code"] == "invalid_url"
    assert problem_of(client.get("/search?q=%c3"), 400)["code"] == "invalid_url"


def test_a_body_over_the_limit_is_refused_whether_announced_or_not(client: httpx2.Client) -> None:
    large = b" " * (8 * 2**20 + 1)
    assert problem_of(client.post("/behaviors", content=large), 413)["code"] == "too_large"
    pieces = (large[start : start + 2**16] for start in range(0, len(large), 2**16))
    assert problem_of(client.post("/behaviors", content=pieces), 413)["code"] == "too_large"


def test_a_defect_is_a_problem_without_details(client: httpx2.Client, service: Service) -> None:
    catch_up, service.app.state.catch_up = service.app.state.catch_up, None
    try:
        answer = client.put("/items/defect", json={"title": SECRET})
    finally:
        service.app.state.catch_up = catch_up
    assert problem_of(answer, 500)["code"] == "internal"
    assert "NoneType" not in answer.text


def test_raw_nonsense_gets_an_answer_and_the_next_request_too(base_url: str, client: httpx2.Client) -> None:
    where = urlsplit(base_url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as raw:
        raw.sendall(b"POST /behaviors HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n\xff\xfe\x00")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert client.get("/health/live").status_code == 200


def test_every_code_in_use_is_explained(client: httpx2.Client) -> None:
    app = Path(tree.__file__).parents[1]
    sources = "\n".join(path.read_text() for path in app.rglob("*.py") if "cli" not in path.parts)
    used = set(re.findall(r'\bcode="(\w+)"', sources)) | set(re.findall(r'Fault\(\s*"(\w+)"', sources))
    used |= set(re.findall(r'Finding\("(\w+)"', sources)) | set(re.findall(r'malformed\("(\w+)"', sources))
    used |= {
        kind.code for kind in vars(tree).values() if isinstance(kind, type) and issubclass(kind, tree.PortraitError)
    }
    assert used - set(MEANINGS) == set()
    for code in MEANINGS:
        told = client.get(f"/errors/{code}").json()
        assert told["code"] == code
        assert told["cure"]


def test_a_browser_gets_a_page_about_an_error(client: httpx2.Client) -> None:
    page = client.get("/errors/malformed_body", headers={"accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert "<code>allow_nan=False</code>" in page.text
    assert "malformed_body" in client.get("/errors", headers={"accept": "text/html"}).text
    assert problem_of(client.get("/errors/nope"), 404)["code"] == "error_unknown"
