"""OpenID Connect: authorization code with PKCE, state and nonce; the id_token is verified with the provider's keys.

Discovery and keys are kept for an hour; a key id that is not among them makes us ask once more, so that a provider may
rotate its keys while everybody works.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from bankloop.kit.addresses import check_address
from bankloop.kit.bounded import read_json
from bankloop.kit.clock import Clock
from bankloop.kit.errors import DataError
from bankloop.kit.text import Text
from bankloop.organization.account import errors
from bankloop.organization.account.contracts import Oidc

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

_SECONDS = 5
_KEPT_SECONDS = 3600
# Asking again for an unknown key is itself limited, or a forger could make us hammer the provider.
_AGAIN_SECONDS = 10
_LEEWAY = 60
_UNREACHED = Text("连接不上", "it cannot be reached")
_OTHERWISE = Text("没有按约定回答", "it does not answer as it should")
ALGORITHMS = ("RS256", "PS256", "ES256")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is kept while the person is at the provider: it must come back, be used once and fit."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Asked:
        """Return a new question."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass
class Provider:
    """One provider with what it published about itself."""

    settings: Oidc
    clock: Clock
    _kept: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def address(self, asked: Asked, redirect: str) -> str:
        """Return where the person is sent to prove who they are (RFC 7636 S256)."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self.settings.client_id, "redirect_uri": redirect, "scope": "openid",
            "state": asked.state, "nonce": asked.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self._about('authorization_endpoint')}?{urlencode(query)}"

    def subject(self, asked: Asked, code: str, redirect: str) -> str:
        """Exchange the code and return the subject that the verified id_token names; raise ``SignInError`` otherwise."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect,
            "client_id": self.settings.client_id, "code_verifier": asked.verifier,
        }  # fmt: skip
        answer = self._fetch("POST", self._about("token_endpoint"), form)
        claims = self._verified(str(answer.get("id_token", "")), asked)
        subject = claims.get(self.settings.claim)
        if not isinstance(subject, str) or not subject:
            raise errors.refused_by_provider(f"no {self.settings.claim}")
        return subject

    def _verified(self, token: str, asked: Asked) -> Mapping[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        for fresh in (False, True):
            try:
                found = jwt.decode(token, self._keys(fresh=fresh), algorithms=list(ALGORITHMS))
                break
            except (JoseError, ValueError):
                if fresh:
                    raise errors.refused_by_provider("id_token") from None
        self._check(found.claims, asked)
        return found.claims

    def _check(self, claims: Mapping[str, Any], asked: Asked) -> None:
        now = self.clock.now().timestamp()
        audience = claims.get("aud")
        named = [audience] if isinstance(audience, str) else list(audience or ())
        expires, issued = claims.get("exp"), claims.get("iat")
        right = {
            "iss": claims.get("iss") == self.settings.issuer,
            "aud": self.settings.client_id in named
            and (len(named) == 1 or claims.get("azp") == self.settings.client_id),
            "exp": isinstance(expires, int | float) and now < expires + _LEEWAY,
            "iat": isinstance(issued, int | float) and issued < now + _LEEWAY,
            "nonce": secrets.compare_digest(str(claims.get("nonce", "")).encode(), asked.nonce.encode()),
        }
        for claim, holds in right.items():
            if not holds:
                raise errors.refused_by_provider(claim)

    def _about(self, name: str) -> str:
        found = self._kept_or(
            "about", lambda: self._fetch("GET", f"{self.settings.issuer}/.well-known/openid-configuration")
        )
        if found.get("issuer") != self.settings.issuer or not isinstance(found.get(name), str):
            raise errors.provider_down(self.settings.issuer, _OTHERWISE)
        address: str = found[name]
        return address

    def _keys(self, *, fresh: bool) -> KeySet:
        from joserfc.jwk import KeySet

        uri = self._about("jwks_uri")
        kept = _AGAIN_SECONDS if fresh else _KEPT_SECONDS
        return KeySet.import_key_set(self._kept_or("keys", lambda: self._fetch("GET", uri), kept))

    def _kept_or(self, name: str, fetch: Any, seconds: float = _KEPT_SECONDS) -> Any:
        with self._guard:
            at, value = self._kept.get(name, (0.0, None))
            now = self.clock.now().timestamp()
            if value is None or now - at >= seconds:
                value = fetch()
                self._kept[name] = (now, value)
            return value

    def _fetch(self, method: str, address: str, form: Mapping[str, str] | None = None) -> Any:
        import httpx

        # The provider's own answer names the next addresses: each is judged, not only the one in the bank's file.
        check_address(address, ("http", "https") if self.settings.issuer.startswith("http://") else ("https",))
        secret = self.settings.secret
        auth = (self.settings.client_id, secret) if form and secret else None
        try:
            answer = httpx.request(method, address, data=form, auth=auth, timeout=_SECONDS, follow_redirects=False)
            found = read_json(answer.content, self.settings.issuer)
        except (httpx.HTTPError, ValueError, DataError) as error:
            reason = _UNREACHED if isinstance(error, httpx.HTTPError) else _OTHERWISE
            raise errors.provider_down(self.settings.issuer, reason) from error
        if answer.status_code != httpx.codes.OK or not isinstance(found, dict):
            if method == "POST" and 400 <= answer.status_code < 500:
                raise errors.refused_by_provider(str(answer.status_code))
            said = Text(f"回答了 {answer.status_code}", f"it answers {answer.status_code}")
            raise errors.provider_down(self.settings.issuer, said)
        return found
