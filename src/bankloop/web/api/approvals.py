"""Approvals: what waits, one request with its diff and effect, and every act on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from bankloop.kit.fields import Reason
from bankloop.kit.plain import plain
from bankloop.organization.approval import Approval, Attachment, approval_by_id, approval_view, approvals
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import (
    KNOWN,
    PREFIX,
    Approves,
    Body,
    Cursor,
    Limit,
    Open,
    Reads,
    after,
    does,
    etag_of,
    matched,
    page_of,
    tagged,
)
from bankloop.web.api.idempotency import once, with_once
from bankloop.work.approvals import carry_out, decide

router = APIRouter(prefix=PREFIX, tags=["approvals"])
Act = Literal["pass", "return", "recall", "pause", "resume", "kill", "close"]


class DocumentBody(Body):
    """A document beside an opinion: its name and the sha256 of its bytes."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ActBody(Body):
    """The comment that goes with an act, and the documents of an opinion."""

    comment: Reason = ""
    documents: Annotated[tuple[DocumentBody, ...], Field(max_length=10)] = ()


@router.get("/approvals")
def listed(
    console: Open, visitor: Reads, limit: Limit = 50, cursor: Cursor = None,
    kind: Annotated[str | None, Field(max_length=32)] = None,
) -> dict[str, Any]:  # fmt: skip
    """List the requests that the caller may see, the newest first."""
    require(visitor.principal, "approval.read")
    store, principal = console.bank.store, visitor.principal
    with store.begin(principal) as connection:
        found = approvals(connection, kind)
    last = after(store, principal, f"approvals {kind}", cursor)
    if last is not None:
        place = next((i for i, one in enumerate(found) if str(one.approval_id) == last), len(found))
        found = found[place + 1 :]
    return page_of(store, principal, f"approvals {kind}", found, limit, lambda one: str(one.approval_id))


@router.get("/approvals/{approval_id}", responses=KNOWN)
def one(request: Request, approval_id: UUID, console: Open, visitor: Reads) -> Response:
    """Return a request: what exactly changes, its predicted effect, who acted, what the caller may do now."""
    require(visitor.principal, "approval.read")
    with console.bank.store.begin(visitor.principal) as connection:
        view = approval_view(connection, approval_by_id(connection, approval_id))
    return tagged(request, plain(view), _tag(view.approval))


@router.post(
    "/approvals/{approval_id}/{act}",
    openapi_extra=does(
        "approval.review",
        "approval.comply",
        "approval.approve",
        "approval.reject",
        "approval.recall",
        "approval.kill",
        "campaign.approve",
        "campaign.return",
        "campaign.recall",
        "campaign.pause",
        "campaign.resume",
        "campaign.stop",
        "campaign.close",
    ),
)
def act(request: Request, approval_id: UUID, act: Act, body: ActBody, console: Open, visitor: Approves) -> Response:
    """Pass, return, recall, pause, resume, kill or close; with If-Match only what the caller read is decided on."""
    require(visitor.principal, "approval.read")

    def effect() -> dict[str, Any]:
        with console.bank.store.begin(visitor.principal) as connection:
            found = approval_by_id(connection, approval_id)
        matched(request, _tag(found), f"{found.kind} {found.object_id}", needed=False)
        documents = [Attachment(one.name, one.digest) for one in body.documents]
        done = decide(console.bank, visitor.principal, approval_id, act, body.comment, documents).approval
        return {"approval": done.approval_id, "state": done.state, "etag": _tag(done), "failed": []}

    answer = once(request, console.bank.store, visitor, f"approval.{act}", str(approval_id), body, effect)
    # What an approval queued is there to be carried out only now that it is committed with its answer.
    failed = [plain(one.reason) for one in carry_out(console.bank).failures] if act == "pass" else []
    return with_once(answer, {"failed": failed} if failed else {})


def _tag(found: Approval) -> str:
    return etag_of([found.digest, found.state, found.passed])
