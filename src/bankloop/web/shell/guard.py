"""What every request passes first: host, size and speed of its body, how often, where from; headers on every answer."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from fastapi.responses import JSONResponse
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bankloop.care.worklist import MOST_BYTES
from bankloop.kit.bounded import check_json
from bankloop.kit.errors import BankloopError
from bankloop.kit.origins import Origin, acting_from
from bankloop.organization.principals import system
from bankloop.store.rates import count_hit
from bankloop.web.shell import errors
from bankloop.web.shell.uploads import most_upload
from bankloop.web.shell.visitor import cookie_name

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
# The largest body of ours is a campaign's file: kilobytes; but for a list, an xlsx, and an opinion's documents.
LARGEST_BODY = 1 << 20
_LARGER = {"/lists/take": MOST_BYTES + LARGEST_BODY}
# An opinion comes with its documents; their bytes are read for their digest and not kept.
_WITH_DOCUMENTS = "/approvals/"
SLOWEST_BODY = 10.0
# Files of a bank: not held in memory but passed on as they come, at least as fast as a slow line sends them.
STREAMED = "/bring/files"
SLOWEST_BYTES = 32 << 10
# Nobody signs in ten times a minute, but a whole branch behind one address does: proofs are counted by name and
# address, in the database, since what guards a password must not grow with the processes. A person's pages and a
# machine's calls stay far below the rest, which is by address alone and guards the threads of one process: it is
# counted in its memory.
_PROOFS = ("/signin", "/api/v1/token")
_FORM = b"application/x-www-form-urlencoded"
PROOF_RATE, RATE = "20/minute", "1200/minute"
_GUARD = system("guard", "signin")


class Guard:
    """Turns away what may not come in, and puts the security headers on every answer."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: tuple[str, ...] = (),
        *,
        secure: bool = False,
        rates: tuple[str, str] = (PROOF_RATE, RATE),
    ) -> None:
        self.app = app
        self.hosts = LOOPBACK_NAMES | set(hosts)
        self.headers = {**HEADERS, **({"strict-transport-security": "max-age=31536000"} if secure else {})}
        self._cookie = cookie_name(secure=secure)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._proofs, self._all = parse(rates[0]), parse(rates[1])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = request = uuid4().hex[:16]
        sending = self._dressed(send, request)
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(refusal, scope, receive, sending)
            return
        kind = "api" if scope["path"].startswith("/api/") else "page"
        with acting_from(Origin(kind, address=_address(scope), request=request)):
            await self._let_in(scope, receive, sending)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] == STREAMED and scope["method"] == "POST":
                await self.app(scope, _passed_on(scope, receive, most_upload()), send)
                return
            body = await _body(scope, receive)
            if not _is_form(scope):
                check_json(body, scope["path"])
            if _is_proof(scope):
                await asyncio.to_thread(self._count_proof, scope, body)
        except BankloopError as error:
            await _refuse(error, scope, receive, send)
            return
        messages = iter(({"type": "http.request", "body": body, "more_body": False},))

        async def replay() -> Message:
            return next(messages, None) or await receive()

        await self.app(scope, replay, send)

    def _refusal(self, scope: Scope) -> BankloopError | None:
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        with contextlib.suppress(ValueError):
            if (urlsplit(f"//{host}").hostname or "") in self.hosts:
                return self._too_often(scope)
        return errors.foreign_host(host[:128])

    def _too_often(self, scope: Scope) -> BankloopError | None:
        return None if self._limiter.hit(self._all, _address(scope)) else errors.too_many(_wait(self._all))

    def _count_proof(self, scope: Scope, body: bytes) -> None:
        """Count a proof for all processes on the bank; raise ``TooManyError`` where there were too many."""
        key = sha256(f"{_address(scope)} {_prover(scope, body, self._cookie)}".encode()).hexdigest()
        with scope["app"].state.console.bank.store.begin(_GUARD) as connection:
            within = count_hit(connection, key, self._proofs.amount, timedelta(seconds=_wait(self._proofs)))
        if not within:
            raise errors.too_many(_wait(self._proofs))

    def _dressed(self, send: Send, request: str) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                added = {**self.headers, "x-request-id": request}
                message["headers"] += [(k.encode(), v.encode()) for k, v in added.items() if k.encode() not in present]
            await send(message)

        return send_with_headers


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def _is_proof(scope: Scope) -> bool:
    return scope["method"] == "POST" and str(scope["path"]).startswith(_PROOFS)


def _prover(scope: Scope, body: bytes, cookie: str) -> str:
    """Return whose proof a request brings: the person or client that it names, later the session. A digest is counted.

    What a step does not read is not looked at, or a made-up name would let a request past its count.
    """
    headers = dict(scope["headers"])
    fields = parse_qs(body.decode("latin-1")) if _FORM in headers.get(b"content-type", b"") else {}
    match scope["path"].rstrip("/"):
        case "/signin":
            given = fields.get("person", [""])[-1].strip()
        case "/api/v1/token":
            basic = _client_of(headers.get(b"authorization", b"").decode("latin-1"))
            given = basic or fields.get("client_id", [""])[-1]
        case _:
            given = cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(cookie, "")
    return sha256(given.encode()).hexdigest()


def _client_of(header: str) -> str:
    """Return the client that HTTP Basic names, without its secret."""
    scheme, _, given = header.partition(" ")
    with contextlib.suppress(ValueError):
        if scheme.lower() == "basic":
            return base64.b64decode(given, validate=True).decode("latin-1").partition(":")[0]
    return ""


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Read the whole body before anybody works on it: a slow sender holds no thread and no transaction."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    documents = scope["path"].startswith(_WITH_DOCUMENTS)
    most = MOST_BYTES + LARGEST_BODY if documents else _LARGER.get(scope["path"], LARGEST_BODY)
    if length.isdigit() and int(length) > most:
        raise errors.too_large(most)
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            return await _whole(receive, most)
    except TimeoutError:
        raise errors.too_slow(SLOWEST_BODY) from None


def _passed_on(scope: Scope, receive: Receive, most: int) -> Receive:
    """Return how a body is read as it comes: who asks for it is refused where it is too large or too slow."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > most:
        raise errors.too_large(most)
    began, taken = asyncio.get_running_loop().time(), 0

    async def next_part() -> Message:
        nonlocal taken
        until = began + SLOWEST_BODY + taken / SLOWEST_BYTES
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise errors.too_slow(SLOWEST_BODY) from None
        taken += len(message.get("body", b""))
        if taken > most:
            raise errors.too_large(most)
        return message

    return next_part


async def _whole(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > most:
            raise errors.too_large(most)
        if not message.get("more_body", False):
            return bytes(body)


def _is_form(scope: Scope) -> bool:
    """Return whether the body is fields or a file; everything else may be read as JSON, whatever it calls itself."""
    kind = dict(scope["headers"]).get(b"content-type", b"").lower()
    return bool(kind.startswith((b"application/x-www-form-urlencoded", b"multipart/form-data")))


def _wait(rate: RateLimitItem) -> int:
    return int(rate.get_expiry())


async def _refuse(error: BankloopError, scope: Scope, receive: Receive, send: Send) -> None:
    wait = error.fields.get("seconds") if isinstance(error, errors.TooManyError) else None
    headers = {"retry-after": str(wait)} if wait else {}
    answer = JSONResponse(error.as_dict(), error.http_status, headers, media_type="application/problem+json")
    await answer(scope, receive, send)
