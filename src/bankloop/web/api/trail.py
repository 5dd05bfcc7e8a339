"""The trail for the auditor: rows, newest first, and verification of the chain."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.store.audit import check_audit, read_audit
from bankloop.store.contracts import Role
from bankloop.web.api.dependencies import PREFIX, Audits, Cursor, Limit, Open, after, does, page_of

router = APIRouter(prefix=PREFIX, tags=["audit"])


@router.get("/audit")
def rows(
    console: Open, visitor: Audits, limit: Limit = 50, cursor: Cursor = None,
    principal: Annotated[str | None, Field(max_length=64)] = None,
) -> dict[str, Any]:  # fmt: skip
    """List the trail, the newest row first, of one person where named."""
    require(visitor.principal, "audit.read")
    store, listed = console.bank.store, f"audit {principal}"
    last = after(store, visitor.principal, listed, cursor)
    with store.begin(visitor.principal, Role.AUDITOR) as connection:
        found = read_audit(connection, principal=principal, before_id=last, limit=limit + 1)
    return page_of(store, visitor.principal, listed, found, limit, lambda row: row.id)


@router.post("/audit/verify", openapi_extra=does("audit.verify"))
def verify(console: Open, visitor: Audits) -> dict[str, Any]:
    """Seal what is not sealed yet and verify the chain; verifying twice is verifying twice, so it needs no key."""
    require(visitor.principal, "audit.verify")
    found = check_audit(console.bank.store)
    return {"ok": found.ok, **plain(found)}
