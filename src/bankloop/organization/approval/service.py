"""The verbs of approval: submit, review, comply, approve, send back, recall, void. An edit voids what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bankloop.kit.ids import uuid7
from bankloop.organization import errors
from bankloop.organization.approval.contracts import (
    GRANTED,
    LIVE,
    Approval,
    ApprovalState,
    Attachment,
    ConsentVerdict,
    Demand,
    Stage,
)
from bankloop.organization.approval.effects import take_effect
from bankloop.organization.approval.repository import (
    acts_of,
    add,
    add_act,
    approval_by_id,
    approval_of,
    approvals,
    change,
    editors_of,
    locked,
    note_editor,
    take_turns,
)
from bankloop.organization.approval.rules import KINDS, may_pass, next_stage, route_of
from bankloop.organization.people import stand_ins
from bankloop.organization.rights import allowed, require
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.store.database import now_of, principal_of, under_approval
from bankloop.store.verbs import verb

_AFTER = {
    Stage.CONSUMER: ApprovalState.CONSUMER_OK,
    Stage.COMPLIANCE: ApprovalState.COMPLIANCE_OK,
    Stage.FIRST: ApprovalState.FIRST_OK,
    Stage.SECOND: ApprovalState.APPROVED,
}


@verb("approval.submit")
def submit_approval(
    connection: Connection,
    kind: str,
    object_id: str,
    digest: str,
    maker: str | None = None,
    *,
    demand: Demand | None = None,
    effect: Mapping[str, Any] | None = None,
    content: Mapping[str, Any] | None = None,
    reason: str = "",
) -> UUID:
    """Ask for approval of an object as ``digest`` and return the request's id; the same digest is asked for once.

    The acting principal is the maker (``maker`` only states it). Requests and approvals of any other digest become
    void. ``effect`` is what it will do, as predicted; ``content`` what is asked for, where it is no stored lock.
    An emergency needs its reason.
    """
    acting = _acting(connection, maker)
    asked = demand or Demand()
    if kind not in KINDS:
        raise errors.unknown_kind(kind, sorted(KINDS))
    require(acting, f"{kind}.submit")
    if not (KINDS[kind].administrative or EVERY_UNIT in acting.units or asked.unit_id in acting.units):
        raise errors.foreign_unit(acting.id, asked.unit_id)
    if asked.emergency and not reason.strip():
        raise errors.needs_reason()
    take_turns(connection, kind, object_id)
    latest = approval_of(connection, kind, object_id)
    if latest is not None and latest.digest == digest and latest.state in LIVE:
        return latest.approval_id
    _void(connection, kind, object_id)
    return _ask(connection, acting, (kind, object_id, digest), asked, effect or {}, content, reason)


@verb("approval.review")
def review(
    connection: Connection,
    approval_id: UUID,
    *,
    positive: bool,
    opinion: str,
    attachments: Sequence[Attachment] = (),
) -> Approval:
    """Give the consumer-protection opinion (消保审查), with its attachments; a negative one sends the request back."""
    if not opinion.strip():
        raise errors.needs_opinion()
    if not positive:
        return _send_back(connection, approval_id, opinion, attachments, Stage.CONSUMER)
    return _pass(connection, approval_id, (Stage.CONSUMER,), opinion, attachments, "approval.review")


@verb("approval.comply")
def comply(
    connection: Connection, approval_id: UUID, comment: str = "", attachments: Sequence[Attachment] = ()
) -> Approval:
    """Give the consent of compliance."""
    return _pass(connection, approval_id, (Stage.COMPLIANCE,), comment, attachments, "approval.comply")


@verb("approval.approve")
def approve(connection: Connection, approval_id: UUID, checker: str | None = None, reason: str = "") -> Approval:
    """Give the first or the second approval; doing it twice is doing it once.

    Raises ``DeniedError`` for whoever may not, with the reason, ``ConflictError`` when it is not open or waits for
    another stage.
    """
    _acting(connection, checker)
    return _pass(connection, approval_id, (Stage.FIRST, Stage.SECOND), reason, (), "approval.approve")


@verb("approval.reject")
def reject(connection: Connection, approval_id: UUID, reason: str, checker: str | None = None) -> Approval:
    """Send a request back to its maker as a draft, with comments: whoever might consent now may."""
    _acting(connection, checker)
    return _send_back(connection, approval_id, reason, (), None)


@verb("approval.recall")
def recall(connection: Connection, approval_id: UUID, reason: str = "") -> Approval:
    """Take an open request back as its maker, or as who stands in for the maker: it is a draft again."""
    person = principal_of(connection)
    found = locked(connection, approval_id)
    if found.maker not in (person.id, person.acting_for):
        raise errors.not_yours(person.id, found.maker)
    if not found.open:
        raise errors.not_open(str(approval_id), found.state)
    return _move(connection, found, ApprovalState.DRAFT, "approval.recall", reason)


@verb("approval.void")
def void_approvals(connection: Connection, kind: str, object_id: str, digest: str) -> int:
    """Void what was asked or approved for another digest than this one: called where an object is edited."""
    take_turns(connection, kind, object_id)
    note_editor(connection, kind, object_id, principal_of(connection).id)
    return _void(connection, kind, object_id, digest)


def record_edit(connection: Connection, kind: str, object_id: str, digest: str) -> int:
    """Remember the principal as an editor of the object, who cannot approve it, and void what no longer is."""
    voided: int = void_approvals(connection, kind, object_id, digest)
    return voided


def consent(
    connection: Connection, approval_id: UUID, comment: str = "", attachments: Sequence[Attachment] = ()
) -> Approval:
    """Give the consent that a request waits for, whichever it is; each stage is a verb of its own."""
    match next_stage(approval_by_id(connection, approval_id)):
        case Stage.CONSUMER:
            opinion = comment or "同意 / agreed"
            return review(connection, approval_id, positive=True, opinion=opinion, attachments=attachments)
        case Stage.COMPLIANCE:
            return comply(connection, approval_id, comment, attachments)
        case _:
            return approve(connection, approval_id, None, comment)


def verdict_on(connection: Connection, found: Approval, person: Principal) -> ConsentVerdict:
    """Return whether a person may give the consent that a request waits for, and why not."""
    return may_pass(
        found,
        acts_of(connection, found.approval_id),
        editors_of(connection, found.kind, found.object_id),
        stand_ins(connection, found.maker),
        person,
        # The right to approve at all, and the right to approve this kind of object.
        lambda who, permission: allowed(who, permission, "approval") and allowed(who, permission, found.kind),
    )


def move(
    connection: Connection, found: Approval, state: ApprovalState, name: str, reason: str = "", **values: Any
) -> Approval:
    """Move a request on and leave act and audit row; for the verbs of what is approved."""
    return _move(connection, found, state, name, reason, **values)


def _ask(
    connection: Connection,
    acting: Principal,
    what: tuple[str, str, str],
    demand: Demand,
    effect: Mapping[str, Any],
    content: Mapping[str, Any] | None,
    reason: str,
) -> UUID:
    kind, object_id, digest = what
    now = now_of(connection)
    made = uuid7(int(now.timestamp() * 1000))
    route = route_of(KINDS[kind], demand)
    base = next((a.digest for a in approvals(connection, kind, object_id) if a.passed == len(a.route)), None)
    why = [{"zh": one.zh, "en": one.en} for one in route.reasons]
    add(
        connection,
        {
            "approval_id": made,
            "kind": kind,
            "object_id": object_id,
            "digest": digest,
            "maker": acting.id,
            "state": ApprovalState.SUBMITTED,
            "reason": reason,
            "submitted_at": now,
            "unit_id": demand.unit_id,
            "lane": route.lane,
            "emergency": demand.emergency,
            "demand": {**demand.plain(), "head_office": route.head_office, "why": why},
            "effect": dict(effect),
            "route": [str(stage) for stage in route.stages],
            "base_digest": base,
            "expires_at": now + timedelta(days=demand.limits.decide_days),
            "content": content,
        },
    )
    under_approval(connection, made)
    add_act(connection, approval_by_id(connection, made), "submit", ApprovalState.SUBMITTED, reason)
    after = {"approval": made, "digest": digest, "route": list(route.stages), "lane": route.lane}
    if acting.acting_for:
        after["acting_for"] = acting.acting_for
    record_audit(connection, "approval.submit", kind, object_id, None, after, reason)
    return made


def _acting(connection: Connection, stated: str | None) -> Principal:
    principal = principal_of(connection)
    if stated is not None and stated != principal.id:
        raise errors.not_yours(principal.id, stated)
    return principal


def _pass(
    connection: Connection,
    approval_id: UUID,
    stages: Sequence[Stage],
    comment: str,
    attachments: Sequence[Attachment],
    name: str,
) -> Approval:
    """Give one consent: to the stage that waits, if it is one of ``stages``."""
    person = principal_of(connection)
    found = locked(connection, approval_id)
    if found.state in GRANTED and _gave(connection, found, person, stages):
        return found
    stage = next_stage(found)
    if stage is None or _stale(connection, found):
        raise errors.not_open(str(approval_id), found.state if stage is None else ApprovalState.EXPIRED)
    _refuse_unless_allowed(connection, found, person)
    if stage not in stages:
        raise errors.other_stage(str(approval_id), stage)
    last = found.passed + 1 == len(found.route)
    state = ApprovalState.APPROVED if last else _AFTER[stage]
    add_act(connection, found, "pass", state, comment, stage, attachments)
    values: dict[str, Any] = {"passed": found.passed + 1}
    if last:
        values |= {"checker": person.id, "decided_at": now_of(connection), "expires_at": _good_until(connection, found)}
    return _settle(connection, found, state, name, comment, values)


def _gave(connection: Connection, found: Approval, person: Principal, stages: Sequence[Stage]) -> bool:
    acts = acts_of(connection, found.approval_id)
    return any(a.act == "pass" and a.person == person.id and a.stage in stages for a in acts)


def _stale(connection: Connection, found: Approval) -> bool:
    return found.expires_at is not None and found.expires_at <= now_of(connection)


def _good_until(connection: Connection, found: Approval) -> object:
    hours = found.demand.get("emergency_hours", 0) if found.emergency else 24 * found.demand.get("start_days", 0)
    return now_of(connection) + timedelta(hours=hours) if hours else None


def _refuse_unless_allowed(connection: Connection, found: Approval, person: Principal) -> None:
    verdict = verdict_on(connection, found, person)
    if verdict.allowed:
        return
    if found.maker == person.id:
        raise errors.same_person(person.id)
    raise errors.may_not(person.id, verdict.reason)


def _send_back(
    connection: Connection,
    approval_id: UUID,
    comment: str,
    attachments: Sequence[Attachment],
    stage: Stage | None,
) -> Approval:
    person = principal_of(connection)
    found = locked(connection, approval_id)
    waiting = next_stage(found)
    if waiting is None:
        raise errors.not_open(str(approval_id), found.state)
    _refuse_unless_allowed(connection, found, person)
    if stage is not None and waiting is not stage:
        raise errors.other_stage(str(approval_id), waiting)
    if not comment.strip():
        raise errors.needs_opinion()
    add_act(connection, found, "return", ApprovalState.DRAFT, comment, waiting, attachments)
    name = "approval.review" if stage else "approval.reject"
    return _settle(connection, found, ApprovalState.DRAFT, name, comment, {"decided_at": now_of(connection)})


def _move(
    connection: Connection, found: Approval, state: ApprovalState, name: str, reason: str, **values: Any
) -> Approval:
    add_act(connection, found, name.rpartition(".")[2], state, reason)
    return _settle(connection, found, state, name, reason, values)


def _settle(
    connection: Connection,
    found: Approval,
    state: ApprovalState,
    name: str,
    reason: str,
    values: Mapping[str, Any],
) -> Approval:
    change(connection, found.approval_id, state=state, reason=reason or found.reason, **values)
    under_approval(connection, found.approval_id)
    acting = principal_of(connection)
    after = {"state": state, "digest": found.digest, "approval": found.approval_id}
    if acting.acting_for:
        after["acting_for"] = acting.acting_for
    record_audit(connection, name, found.kind, found.object_id, {"state": found.state}, after, reason)
    moved = approval_by_id(connection, found.approval_id)
    take_effect(connection, found, moved)
    return moved


def _void(connection: Connection, kind: str, object_id: str, keep: str | None = None) -> int:
    live = (*LIVE, ApprovalState.DRAFT)
    old = [one for one in approvals(connection, kind, object_id) if one.state in live and one.digest != keep]
    for one in old:
        change(connection, one.approval_id, state=ApprovalState.VOID, decided_at=now_of(connection))
        take_effect(connection, one, approval_by_id(connection, one.approval_id))
    if old:
        record_audit(connection, "approval.void", kind, object_id, None, {"voided": len(old), "digest": keep})
    return len(old)
