"""Bearer tokens of an issuer: a real one, with real keys, on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr

from app.domain.access import ADMIN, SCOPES
from app.domain.errors import Misconfigured
from app.main import create_app
from app.services import issuer as issuers
from app.services.issuer import AGAIN_S, MOST_BYTES, WITHIN_S
from app.services.tokens import LEEWAY_S
from app.settings import Settings

from .test_access import CLOSED, asked, needed
from .wire import ADMIN_KEY, Service, problem_of, start_service, wait_for

AUDIENCE = "portrait-of-a-test"
SUBJECT = "qz9subjectcanary"


class Issuer(ThreadingHTTPServer):
    """Serves what it publishes; signs with what it is told to."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Publishing)
        self.private: dict[str, tuple[str, Any]] = {}
        self.published: dict[str, Any] = {"keys": []}
        self.described: dict[str, Any] = {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
        self.n_asked = 0
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def publish(self, *keys: tuple[str, str, Any]) -> None:
        """Id, algorithm and private key of each; those published before are withdrawn."""
        self.private = {key_id: (algorithm, key) for key_id, algorithm, key in keys}
        self.published = {"keys": [{**_public(algorithm, key), "kid": key_id} for key_id, algorithm, key in keys]}

    def token(self, key_id: str = "rsa", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        algorithm, key = self.private[key_id]
        return jwt.encode(self.claims(**claims), key, algorithm, {"kid": key_id, **(headers or {})})

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Those that are None are left out."""
        now = time.time()
        right = {
            "iss": self.address,
            "aud": AUDIENCE,
            "sub": SUBJECT,
            "exp": now + 600,
            "scope": "openid profiles:read",
        }
        return {name: value for name, value in {**right, **changed}.items() if value is not None}

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Publishing(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        told = {"/.well-known/openid-configuration": self.server.described, "/keys": self.server.published}
        self.server.n_asked += self.path == "/keys"
        body = json.dumps(told[self.path]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Not into the test's output."""


def _public(algorithm: str, key: Any) -> dict[str, Any]:
    made: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**made, "use": "sig", "alg": algorithm}


RSA, OTHER_RSA = (rsa.generate_private_key(public_exponent=65_537, key_size=2_048) for _ in range(2))
EC = ec.generate_private_key(ec.SECP256R1())
BOTH = (("rsa", "RS256", RSA), ("ec", "ES256", EC))


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    started = Issuer()
    started.publish(*BOTH)
    yield started
    started.close()


@pytest.fixture(scope="module")
def trusting(issuer: Issuer, locked_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = _trusting(locked_database_url, tmp_path_factory.mktemp("tokens"), issuer.address)
    yield started
    started.stop()


def _trusting(database_url: str, folder: Path, address: str, **options: Any) -> Service:
    keys = (SecretStr(ADMIN_KEY),)
    return start_service(database_url, folder, api_keys=keys, oidc_issuer=address, oidc_audience=AUDIENCE, **options)


@pytest.fixture(scope="module")
def visitor(trusting: Service) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=trusting.base_url, timeout=30) as connected:
        yield connected


def shown(client: httpx2.Client, token: str, path: str = "/users?limit=1") -> httpx2.Response:
    return client.get(path, headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("key_id", ["rsa", "ec"])
def test_a_good_token_opens(visitor: httpx2.Client, issuer: Issuer, key_id: str) -> None:
    assert shown(visitor, issuer.token(key_id)).status_code == 200
    assert shown(visitor, issuer.token(key_id, aud=["another", AUDIENCE], nbf=time.time() - 5)).status_code == 200


@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"exp": time.time() - 3_600}, "expired"),
        ({"exp": None}, "not valid here"),
        ({"exp": "soon"}, "not valid here"),
        ({"exp": float("inf")}, "not valid here"),
        ({"nbf": time.time() + 3_600}, "not valid yet"),
        ({"aud": "another"}, "audience"),
        ({"aud": None}, "not valid here"),
        ({"iss": "https://issuer.example"}, "another issuer"),
        ({"iss": None}, "not valid here"),
        ({"sub": None}, "not valid here"),
        ({"sub": 7}, "not valid here"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    visitor: httpx2.Client, issuer: Issuer, claims: dict[str, Any], detail: str
) -> None:
    assert detail in _refused(visitor, issuer.token(**claims))


def _refused(client: httpx2.Client, token: str) -> str:
    """Why; nothing of the token comes back, not even decoded."""
    answer = shown(client, token)
    body = problem_of(answer, 401)
    assert body["code"] == "access_denied"
    assert answer.headers["www-authenticate"] == "Bearer"
    for part in [*(part for part in token.split(".") if part), SUBJECT]:
        assert part not in answer.text + str(answer.headers)
    return str(body["detail"])


def test_clocks_may_be_a_little_apart(visitor: httpx2.Client, issuer: Issuer) -> None:
    now = time.time()
    assert shown(visitor, issuer.token(exp=now - LEEWAY_S / 2)).status_code == 200
    assert shown(visitor, issuer.token(nbf=now + LEEWAY_S / 2)).status_code == 200
    _refused(visitor, issuer.token(exp=now - 2 * LEEWAY_S))


def _forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_a_token_that_nobody_has_signed_is_refused(visitor: httpx2.Client, issuer: Issuer) -> None:
    for algorithm in ("none", "None", "nOnE", "", None, 7, ["RS256"]):
        _refused(visitor, _forged({"alg": algorithm, "kid": "rsa"}, issuer.claims(scope="admin")))
        _refused(visitor, _forged({"alg": algorithm, "kid": "rsa"}, issuer.claims(scope="admin"), b"x" * 256))


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(visitor: httpx2.Client, issuer: Issuer) -> None:
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for algorithm, hashed in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512)):
        begun = _forged({"alg": algorithm, "kid": "rsa", "typ": "JWT"}, issuer.claims(scope="admin"))[:-1]
        signature = base64.urlsafe_b64encode(hmac.digest(public, begun.encode(), hashed)).rstrip(b"=").decode()
        forged = f"{begun}.{signature}"
        assert jwt.PyJWS().get_unverified_header(forged)["alg"] == algorithm  # it is a token
        _refused(visitor, forged)


def test_a_token_of_other_keys_or_algorithms_is_refused(visitor: httpx2.Client, issuer: Issuer) -> None:
    claims = issuer.claims(scope="admin")
    _refused(visitor, jwt.encode(claims, OTHER_RSA, "RS256", {"kid": "rsa"}))
    _refused(visitor, jwt.encode(claims, EC, "ES256", {"kid": "rsa"}))
    _refused(visitor, jwt.encode(claims, RSA, "RS512", {"kid": "rsa"}))
    _refused(visitor, jwt.encode(claims, RSA, "PS256", {"kid": "rsa"}))
    _refused(visitor, jwt.encode(claims, RSA, "RS256"))  # names no key
    embedded = {
        "kid": "rsa",
        "jwk": _public("RS256", OTHER_RSA),
        "jku": "http://127.0.0.1:1/",
        "x5u": "http://127.0.0.1:1/",
    }
    _refused(visitor, jwt.encode(claims, OTHER_RSA, "RS256", embedded))


def test_every_changed_byte_is_noticed(visitor: httpx2.Client, issuer: Issuer) -> None:
    token = issuer.token()
    for place in range(3, len(token), 37):
        if token[place] != ".":
            changed = "A" if token[place] != "A" else "B"
            _refused(visitor, token[:place] + changed + token[place + 1 :])


@pytest.mark.parametrize(
    "token",
    ["eyJ..", "eyJhbGciOiJSUzI1NiJ9..", "eyJ." + "A" * 20_000 + ".x", "eyJ\xe9.\xff.\x80", "eyJ+/=.e.e"],
)
def test_what_only_looks_like_a_token_is_refused(visitor: httpx2.Client, token: str) -> None:
    answer = visitor.get("/users", headers={"authorization": b"Bearer " + token.encode("latin-1")})
    assert problem_of(answer, 401)["code"] == "access_denied"


def test_deep_nesting_is_refused(visitor: httpx2.Client, issuer: Issuer) -> None:
    for deep in ('{"alg":' + "[" * 20_000, '{"alg":"RS256","kid":"rsa","x":' + "[" * 5_000 + "]" * 5_000 + "}"):
        token = base64.urlsafe_b64encode(deep.encode()).rstrip(b"=").decode() + ".e30.AA"
        problem_of(shown(visitor, token), 401)


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_token_opens_what_its_scope_is_for_and_nothing_else(
    visitor: httpx2.Client, issuer: Issuer, method: str, path: str
) -> None:
    for scope in SCOPES:
        token = issuer.token("ec", scope=f"openid {scope} email")
        answer = asked(visitor, method, path, {"authorization": f"Bearer {token}"})
        if scope == ADMIN or scope in needed(method, path):
            assert answer.status_code not in {401, 403}, (scope, answer.status_code)
        else:
            assert problem_of(answer, 403)["code"] == "scope_missing"


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"scope": None, "scp": "profiles:read openid"}, 200),
        ({"scope": None, "scp": ["openid", "profiles:read"]}, 200),
        ({"scope": None, "scp": ["profiles:read", 7, None, {}]}, 200),
        ({"scope": "openid", "scp": "profiles:read"}, 403),  # `scope` is what counts where it is there
        ({"scope": None}, 403),
        ({"scope": ""}, 403),
        ({"scope": "profiles:write"}, 403),
        ({"scope": "PROFILES:READ"}, 403),
        ({"scope": "profiles:read,admin"}, 403),
        ({"scope": "profiles:reader administrator"}, 403),
        ({"scope": {"profiles:read": True}}, 403),
        ({"scope": 7}, 403),
        ({"scope": None, "roles": ["admin"], "permissions": ["admin"]}, 403),
    ],
)
def test_only_scopes_of_ours_are_granted(
    visitor: httpx2.Client, issuer: Issuer, claims: dict[str, Any], status: int
) -> None:
    assert shown(visitor, issuer.token(**claims)).status_code == status


def test_a_token_for_everything_opens_the_console(visitor: httpx2.Client, issuer: Issuer) -> None:
    assert shown(visitor, issuer.token(scope="admin"), "/console").status_code == 200
    assert shown(visitor, issuer.token(), "/console").status_code == 401


def test_a_token_elsewhere_is_not_read(visitor: httpx2.Client, issuer: Issuer) -> None:
    token = issuer.token(scope="admin")
    for name in ("access_token", "token", "authorization", "key"):
        problem_of(visitor.get("/users", params={name: token}), 401)
        problem_of(visitor.get("/users", headers={"cookie": f"{name}={token}; portrait_session={token}"}), 401)
        problem_of(visitor.post("/behaviors", json={name: token}), 401)


def test_keys_go_on_beside_tokens(visitor: httpx2.Client) -> None:
    assert visitor.get("/users", headers={"x-api-key": ADMIN_KEY}).status_code == 200
    problem_of(visitor.get("/users"), 401)


def test_where_no_issuer_is_named_no_token_opens(locked: httpx2.Client, issuer: Issuer) -> None:
    _refused(locked, issuer.token(scope="admin"))


def test_new_keys_are_found_and_asked_for_once_a_minute(
    issuer: Issuer, locked_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert AGAIN_S == 60
    service = _trusting(locked_database_url, tmp_path, issuer.address)
    try:
        with httpx2.Client(base_url=service.base_url, timeout=30) as client:
            before = issuer.token()
            assert shown(client, before).status_code == 200
            issuer.publish(("next", "RS256", OTHER_RSA))
            n_asked = issuer.n_asked
            assert shown(client, issuer.token("next")).status_code == 200
            assert issuer.n_asked == n_asked + 1
            _refused(client, before)  # withdrawn
            unknown = [jwt.encode(issuer.claims(), RSA, "RS256", {"kid": f"unknown-{n}"}) for n in range(20)]
            assert "does not publish" in {_refused(client, token) for token in unknown}.pop()
            assert issuer.n_asked == n_asked + 1
            issuer.publish(*BOTH)
            _refused(client, issuer.token())  # not yet asked again
            monkeypatch.setattr(issuers, "AGAIN_S", 0.0)
            assert shown(client, issuer.token()).status_code == 200
    finally:
        issuer.publish(*BOTH)
        service.stop()


def test_while_the_issuer_is_away_its_known_keys_go_on(
    locked_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "RETRY_S", 0.2)
    passing = Issuer()
    passing.publish(*BOTH)
    passing.close()
    service = _trusting(locked_database_url, tmp_path, passing.address)
    try:
        with httpx2.Client(base_url=service.base_url, timeout=30) as client:
            token = passing.token()
            answer = shown(client, token)
            assert "issuer" in problem_of(answer, 503)["detail"]
            assert answer.headers["retry-after"]
            assert client.get("/users", headers={"x-api-key": ADMIN_KEY}).status_code == 200
            back = Issuer(passing.server_port)
            back.publish(*BOTH)
            wait_for(lambda: shown(client, token).status_code == 200)
            back.close()
            assert shown(client, token).status_code == 200
            unknown = jwt.encode(back.claims(), OTHER_RSA, "RS256", {"kid": "unknown"})
            _refused(client, unknown)
            assert shown(client, token).status_code == 200
    finally:
        service.stop()


def test_a_silent_issuer_holds_nothing_up(locked_database_url: str, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # connections wait, nobody answers
        began = time.monotonic()
        service = _trusting(locked_database_url, tmp_path, f"http://127.0.0.1:{silent.server_port}")
        try:
            assert time.monotonic() - began < 2 * WITHIN_S
            assert httpx2.get(f"{service.base_url}/users", headers={"x-api-key": ADMIN_KEY}).status_code == 200
        finally:
            service.stop()


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://issuer.example"},
        {"jwks_uri": "http://192.0.2.1/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"padding": "x" * MOST_BYTES},
    ],
)
def test_an_issuer_that_says_something_else_is_not_believed(told: dict[str, Any]) -> None:
    odd = Issuer()
    odd.publish(*BOTH)
    assert set(issuers._read_keys(odd.address)) == {"rsa", "ec"}
    odd.described |= told
    with pytest.raises(ValueError, match=r"another issuer|not https|too much"):
        issuers._read_keys(odd.address)
    odd.close()


def test_published_secrets_and_keys_for_other_uses_are_passed_over() -> None:
    odd = Issuer()
    secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "alg": "HS256"}
    odd.published = {"keys": [secret, {**_public("RS256", RSA), "kid": "enc", "use": "enc"}, {"kty": "nonsense"}]}
    with pytest.raises(ValueError, match="no usable key"):
        issuers._read_keys(odd.address)
    odd.close()


def test_each_subject_has_a_rate_of_its_own(issuer: Issuer, locked_database_url: str, tmp_path: Path) -> None:
    service = _trusting(locked_database_url, tmp_path, issuer.address, rate_limit=3)
    try:
        with httpx2.Client(base_url=service.base_url, timeout=30) as client:
            statuses = [shown(client, issuer.token(key_id)).status_code for key_id in ("rsa", "ec", "rsa", "ec")]
            assert statuses == [200, 200, 200, 429]
            assert shown(client, issuer.token(sub="another")).status_code == 200
    finally:
        service.stop()


def test_neither_tokens_nor_subjects_reach_logs_or_metrics(
    visitor: httpx2.Client, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = issuer.token()
    shown(visitor, token)
    shown(visitor, issuer.token(scope=""))
    shown(visitor, issuer.token(exp=1))
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))
    assert "/users" in logged
    metrics = visitor.get("/metrics", headers={"x-api-key": ADMIN_KEY}).text
    for secret in (SUBJECT, AUDIENCE, *token.split(".")):
        assert secret not in logged
        assert secret not in metrics


@pytest.mark.parametrize(
    ("address", "audience", "hint"),
    [
        ("https://issuer.example", None, "PORTRAIT_OIDC_AUDIENCE"),
        (None, AUDIENCE, "PORTRAIT_OIDC_ISSUER"),
        ("http://issuer.example", AUDIENCE, "https"),
        ("http://localhost.example", AUDIENCE, "https"),
        ("http://127.0.0.1@issuer.example", AUDIENCE, "https"),
        ("file:///tmp", AUDIENCE, "https"),
        ("issuer.example", AUDIENCE, "https"),
    ],
)
def test_settings_that_would_trust_anybody_are_refused(address: str | None, audience: str | None, hint: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        create_app(Settings(oidc_issuer=address, oidc_audience=audience, _env_file=None))
    assert hint in refusal.value.hint


def test_with_an_issuer_nobody_comes_in_without_a_token(issuer: Issuer, database_url: str, tmp_path: Path) -> None:
    """Also where there is no key at all, and on this machine."""
    service = start_service(database_url, tmp_path, oidc_issuer=issuer.address, oidc_audience=AUDIENCE)
    try:
        with httpx2.Client(base_url=service.base_url, timeout=30) as client:
            problem_of(client.get("/users"), 401)
            assert shown(client, issuer.token()).status_code == 200
    finally:
        service.stop()
    Settings(host="0.0.0.0", oidc_issuer=issuer.address, _env_file=None).refuse_useless_door(has_keys=False)
