"""Writes that can be sent again: the effect and the key's row are one transaction (draft-ietf-httpapi-idempotency-key).

A key belongs to a person, an operation and a resource. A refused request leaves nothing behind, its key neither: it can
be mended and sent again under the same key. What was done is answered again as it was for a day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import Connection, delete, insert, select, text

from bankloop.kit.ids import canonical_json, digest
from bankloop.kit.plain import plain
from bankloop.kit.text import Text
from bankloop.organization.account import idempotency_table as table
from bankloop.store.database import Store, now_of
from bankloop.web.api import errors
from bankloop.web.shell.visitor import Visitor

LIFE = timedelta(hours=24)
LONGEST = 255
_PRINTED = re.compile(r"[\x21-\x7e]+")
_TURN = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 20261122))")


def once(
    request: Request,
    store: Store,
    visitor: Visitor,
    operation: str,
    resource: str,
    body: object,
    effect: Callable[[], Any],
    status: int = 200,
) -> Response:
    """Do ``effect`` once for the request's key and answer with what it returned; answer again what was answered.

    Raises 400 without a usable key, 422 where the key stood for another payload, 409 while it is at work.
    """
    key, scope = _key(request), (visitor.person, operation, resource)
    print_ = digest([request.headers.get("if-match", ""), plain(body)])
    with store.together(visitor.principal) as connection:
        if not connection.scalar(_TURN, {"key": canonical_json([*scope, key])}):
            raise errors.in_progress()
        kept = _kept(connection, scope, key)
        if kept is not None:
            if kept["fingerprint"] != print_:
                raise errors.key_reused()
            return _answer(kept["status"], kept["body"], {**kept["headers"], "idempotency-replayed": "true"})
        answer = canonical_json(plain(effect()))
        _keep(connection, scope, key, print_, status, answer)
    return _answer(status, answer, {})


def once_in(
    request: Request,
    store: Store,
    visitor: Visitor,
    operation: str,
    resource: str,
    body: object,
    effect: Callable[[Connection], Any],
    status: int = 200,
) -> Response:
    """Do once, as ``once`` does, what ``effect`` does with a connection of the caller's."""

    def done() -> Any:
        with store.begin(visitor.principal) as connection:
            return effect(connection)

    return once(request, store, visitor, operation, resource, body, done, status)


def with_once(answer: Response, shown: Mapping[str, Any]) -> Response:
    """Add to the first answer what is shown once and kept nowhere; a repeated request has done nothing to show."""
    if not shown:
        return answer
    return JSONResponse({**json.loads(bytes(answer.body)), **shown}, answer.status_code)


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key")
    if key is None:
        raise errors.no_key(Text("缺失", "is missing"))
    if len(key) > LONGEST:
        raise errors.no_key(Text(f"超过 {LONGEST} 个字符", f"is longer than {LONGEST} characters"))
    if not _PRINTED.fullmatch(key):
        raise errors.no_key(Text("须为可见的 ASCII 字符", "must be visible ASCII characters"))
    return key


def _kept(connection: Connection, scope: tuple[str, str, str], key: str) -> Mapping[str, Any] | None:
    t, (person, operation, resource) = table.c, scope
    same = (t.person_id == person, t.operation == operation, t.resource == resource, t.key == key)
    row = connection.execute(select(table).where(*same)).mappings().first()
    if row is not None and row["until"] <= now_of(connection):
        connection.execute(delete(table).where(*same))
        return None
    return dict(row) if row is not None else None


def _keep(connection: Connection, scope: tuple[str, str, str], key: str, print_: str, status: int, body: str) -> None:
    person, operation, resource = scope
    now = now_of(connection)
    connection.execute(
        insert(table).values(
            person_id=person, operation=operation, resource=resource, key=key, fingerprint=print_, status=status, body=body,
            headers={}, until=now + LIFE, made_at=now,
        )
    )  # fmt: skip


def _answer(status: int, body: str, headers: Mapping[str, str]) -> Response:
    return JSONResponse(json.loads(body), status, dict(headers))
