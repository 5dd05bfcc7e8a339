"""OpenID Connect against a provider on this machine with real keys: what holds signs in, everything else is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from bankloop.kit.errors import EnvironmentFault, SignInError
from bankloop.organization.account import Asked, Oidc, Provider
from tests.organization.account.conftest import Hand

REDIRECT = "http://127.0.0.1:8321/signin/oidc/back"


@dataclass
class Idp:
    """A provider: what it publishes, what it signs, what it was asked."""

    keys: list[Any] = field(default_factory=lambda: [RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})])
    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    signer: Any = None
    algorithm: str = "RS256"
    raw: str | None = None
    codes: dict[str, str] = field(default_factory=dict)
    fetched: int = 0
    status: int = 200

    def answer(self, path: str) -> dict[str, Any]:
        match path:
            case "/.well-known/openid-configuration":
                return {
                    "issuer": self.address, "authorization_endpoint": f"{self.address}/authorize",
                    "token_endpoint": f"{self.address}/token", "jwks_uri": f"{self.address}/keys",
                }  # fmt: skip
            case _:
                self.fetched += 1
                return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        challenge = self.codes.pop(form["code"][0], None)  # a code serves once
        made = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"][0].encode()).digest()).rstrip(b"=").decode()
        )
        if challenge != made:
            return 400, {"error": "invalid_grant"}
        if self.raw is not None:
            return self.status, {"id_token": self.raw}
        signer = self.signer or self.keys[0]
        header = {"alg": self.algorithm, "kid": signer.kid or "one"}
        return self.status, {"id_token": jwt.encode(header, self.claims, signer, algorithms=[self.algorithm])}


@pytest.fixture
def idp() -> Iterator[Idp]:
    found = Idp()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, found.answer(urlsplit(self.path).path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._send(*found.token(parse_qs(body)))

        def _send(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def provider(idp: Idp, hand: Hand) -> Provider:
    return Provider(Oidc(idp.address, "bankloop", ""), hand)


def leave(idp: Idp, provider: Provider, hand: Hand, **claims: Any) -> Asked:
    """Go to the provider and have it make a code for what was asked."""
    asked = Asked.new()
    query = {name: values[0] for name, values in parse_qs(urlsplit(provider.address(asked, REDIRECT)).query).items()}
    assert (query["state"], query["code_challenge_method"], query["response_type"]) == (asked.state, "S256", "code")
    assert asked.verifier not in query.values()
    idp.codes["code"] = query["code_challenge"]
    now = int(hand.at.timestamp())
    right = {
        "iss": idp.address,
        "aud": "bankloop",
        "sub": "idp|1",
        "iat": now,
        "exp": now + 300,
        "nonce": query["nonce"],
    }
    idp.claims = {name: value for name, value in {**right, **claims}.items() if value is not None}
    return asked


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
def test_a_provider_s_own_answer_leads_nowhere_inside(
    idp: Idp, provider: Provider, hand: Hand, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = idp.answer

    def elsewhere(path: str) -> dict[str, Any]:
        found = told(path)
        return {**found, name: "http://169.254.169.254/latest/meta-data"} if name in found else found

    monkeypatch.setattr(idp, "answer", elsewhere)
    asked = leave(idp, provider, hand)
    with pytest.raises(EnvironmentFault, match=r"net\.address"):
        provider.subject(asked, "code", REDIRECT)


def test_what_holds_names_the_subject(idp: Idp, provider: Provider, hand: Hand) -> None:
    asked = leave(idp, provider, hand)
    assert provider.subject(asked, "code", REDIRECT) == "idp|1"
    with pytest.raises(SignInError):  # replayed
        provider.subject(asked, "code", REDIRECT)


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_other_kept_algorithms(idp: Idp, provider: Provider, hand: Hand, algorithm: str) -> None:
    if algorithm == "ES256":
        idp.keys = [ECKey.generate_key("P-256", {"kid": "one"})]
    idp.algorithm = algorithm
    assert provider.subject(leave(idp, provider, hand), "code", REDIRECT) == "idp|1"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["bankloop", "another"]}, "aud"),
        ({"nonce": "other"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": 1}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": 9_999_999_999}, "iat"),
        ({"sub": None}, "no sub"),
        ({"sub": ""}, "no sub"),
    ],
)
def test_a_claim_that_does_not_hold(idp: Idp, provider: Provider, hand: Hand, claims: dict[str, Any], why: str) -> None:
    with pytest.raises(SignInError) as caught:
        provider.subject(leave(idp, provider, hand, **claims), "code", REDIRECT)
    assert caught.value.fields["reason"] == why


def test_several_audiences_need_the_authorized_party(idp: Idp, provider: Provider, hand: Hand) -> None:
    asked = leave(idp, provider, hand, aud=["bankloop", "other"], azp="bankloop")
    assert provider.subject(asked, "code", REDIRECT) == "idp|1"


def test_a_forged_signature_is_refused(idp: Idp, provider: Provider, hand: Hand) -> None:
    idp.signer = RSAKey.generate_key(2048, {"kid": "one"})
    with pytest.raises(SignInError):
        provider.subject(leave(idp, provider, hand), "code", REDIRECT)


def test_no_algorithm_and_the_public_key_as_a_secret_are_refused(idp: Idp, provider: Provider, hand: Hand) -> None:
    asked = leave(idp, provider, hand)
    bodies = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none"}, idp.claims)
    ]
    for raw in (".".join([*bodies, ""]), "x.y.z", ""):
        idp.codes["code"] = leave_challenge(provider, asked)
        idp.raw = raw
        with pytest.raises(SignInError):
            provider.subject(asked, "code", REDIRECT)
    # The classic confusion: a MAC under the public key that everybody has (joserfc itself refuses to make one).
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    mac = hmac.digest(idp.keys[0].as_pem(private=False), f"{head}.{bodies[1]}".encode(), "sha256")
    idp.raw = f"{head}.{bodies[1]}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    idp.codes["code"] = leave_challenge(provider, asked)
    with pytest.raises(SignInError):
        provider.subject(asked, "code", REDIRECT)


def leave_challenge(provider: Provider, asked: Asked) -> str:
    return parse_qs(urlsplit(provider.address(asked, REDIRECT)).query)["code_challenge"][0]


def test_another_verifier_gets_nothing(idp: Idp, provider: Provider, hand: Hand) -> None:
    asked = leave(idp, provider, hand)
    with pytest.raises(SignInError):
        provider.subject(Asked(asked.state, asked.nonce, "x" * 43), "code", REDIRECT)


def test_the_provider_rotates_its_keys_while_everybody_works(idp: Idp, provider: Provider, hand: Hand) -> None:
    assert provider.subject(leave(idp, provider, hand), "code", REDIRECT) == "idp|1"
    assert idp.fetched == 1
    idp.keys.insert(0, RSAKey.generate_key(2048, {"kid": "two"}))
    hand.on(timedelta(seconds=11))
    assert provider.subject(leave(idp, provider, hand), "code", REDIRECT) == "idp|1"
    assert idp.fetched == 2
    idp.signer = RSAKey.generate_key(2048, {"kid": "unknown"})
    for _ in range(5):  # a forger does not make us hammer the provider
        with pytest.raises(SignInError):
            provider.subject(leave(idp, provider, hand), "code", REDIRECT)
    assert idp.fetched == 2


def test_a_provider_that_does_not_answer_is_a_fault_with_its_name(hand: Hand, idp: Idp) -> None:
    gone = Provider(Oidc("http://127.0.0.1:9", "bankloop", ""), hand)
    with pytest.raises(EnvironmentFault) as caught:
        gone.address(Asked.new(), REDIRECT)
    assert caught.value.code == "signin.provider"
    other = Provider(Oidc(f"{idp.address}/other", "bankloop", ""), hand)  # discovery names another issuer
    with pytest.raises(EnvironmentFault):
        other.address(Asked.new(), REDIRECT)
