"""What routes share: who asks within which scope, pages of a list by cursor, entity tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from bankloop.kit.errors import BankloopError
from bankloop.kit.fields import Reason, Words
from bankloop.kit.ids import digest
from bankloop.kit.plain import plain
from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from bankloop.web.api import errors
from bankloop.web.shell.console import Console
from bankloop.web.shell.errors import stale
from bankloop.web.shell.rendering import console_of
from bankloop.web.shell.visitor import Visitor, proven, visitor_of

PREFIX = "/api/v1"
_KIND = "cursor"
_SAFE = frozenset({"GET", "HEAD"})
T = TypeVar("T")


class Body(BaseModel):
    """A request's body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", str_max_length=100_000, str_strip_whitespace=False)


class WhyBody(Body):
    """Why; it has to be said."""

    reason: Words


class CommentBody(Body):
    """Why, where there is something to say."""

    reason: Reason = ""


def asks(scope: str) -> Callable[[Request], Visitor]:
    """Return the dependency that lets in who may use the API for ``scope``."""

    def let_in(request: Request) -> Visitor:
        visitor = visitor_of(request, console_of(request).bank.store)
        request.state.visitor = visitor
        visitor.within(scope)
        by_cookie = "authorization" not in request.headers
        if by_cookie and request.method not in _SAFE:
            proven(request, visitor, request.headers.get("x-csrf-token", ""))
        return visitor

    return let_in


Reads = Annotated[Visitor, Depends(asks("read"))]
Writes = Annotated[Visitor, Depends(asks("write"))]
Approves = Annotated[Visitor, Depends(asks("approve"))]
Manages = Annotated[Visitor, Depends(asks("people"))]
Audits = Annotated[Visitor, Depends(asks("audit"))]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=2_000)]


def does(*verbs: str) -> dict[str, Any]:
    """Return what an operation's description says of the verbs that it does, as ``x-verbs``."""
    return {"x-verbs": list(verbs)}


# What an address answers beside the thing itself where it is tagged.
KNOWN: dict[int | str, dict[str, Any]] = {304: {"description": "the caller has it already, as If-None-Match says"}}


def here(request: Request) -> Console:
    """Return the open bank's console."""
    return console_of(request)


Open = Annotated[Console, Depends(here)]


def after(store: Store, principal: Principal, listed: str, cursor: str | None) -> Any:
    """Return where a page begins: what ``page_of`` sealed, for this person and this list alone; None at the start."""
    if cursor is None:
        return None
    try:
        return json.loads(store.keys.unseal(_KIND, bytes.fromhex(cursor), f"{principal.id} {listed}"))
    except (ValueError, BankloopError):
        raise errors.bad_cursor() from None


def page_of(
    store: Store, principal: Principal, listed: str, found: Sequence[T], limit: int, key: Callable[[T], Any]
) -> dict[str, Any]:
    """Return one page: ``found`` holds one more than ``limit`` where there is a next one."""
    shown = list(found[:limit])
    following = None
    if len(found) > limit:
        following = store.keys.seal(_KIND, json.dumps(key(shown[-1]), default=str), f"{principal.id} {listed}").hex()
    return {"items": [plain(one) for one in shown], "next": following}


def etag_of(value: object) -> str:
    """Return the entity tag of what a resource is now."""
    return f'"{digest(plain(value))[:32]}"'


def tagged(request: Request, value: Mapping[str, Any], tag: str | None = None) -> Response:
    """Return a resource with its entity tag, or 304 to who has it already."""
    known = tag or etag_of(value)
    if known in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"etag": known})
    return JSONResponse(plain(value), headers={"etag": known})


def matched(request: Request, tag: str, what: str, *, needed: bool = True) -> None:
    """Raise ``StaleError`` unless the caller had before them what is there now; 428 where they do not say."""
    given = request.headers.get("if-match")
    if given is None:
        if needed:
            raise errors.no_condition()
        return
    if tag not in _tags(given):
        raise stale(what)


def _tags(header: str) -> list[str]:
    return [part.strip().removeprefix("W/") for part in header.split(",")]
