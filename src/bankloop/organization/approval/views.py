"""A request as it is shown: what changes against what was last approved, what it will do, who acted, what I may do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.organization.approval.contracts import (
    LIVE,
    OPEN,
    Act,
    Approval,
    ApprovalState,
    ApprovalView,
    Change,
    Lane,
    PredictedFact,
    StageView,
)
from bankloop.organization.approval.effects import effects_of
from bankloop.organization.approval.repository import acts_of, approval_by_id, approvals
from bankloop.organization.approval.rules import KINDS, PERMISSION, STAGES, next_stage
from bankloop.organization.approval.service import verdict_on
from bankloop.organization.rights import allowed
from bankloop.store.database import principal_of
from bankloop.store.registry import read_lock

STATES: Mapping[ApprovalState, Text] = {
    ApprovalState.DRAFT: Text("草稿", "draft"),
    ApprovalState.SUBMITTED: Text("已提交", "submitted"),
    ApprovalState.CONSUMER_OK: Text("消保已审", "consumer review passed"),
    ApprovalState.COMPLIANCE_OK: Text("合规已审", "compliance passed"),
    ApprovalState.FIRST_OK: Text("一审已过", "first approval given"),
    ApprovalState.APPROVED: Text("已批准", "approved"),
    ApprovalState.SCHEDULED: Text("已排期", "scheduled"),
    ApprovalState.RUNNING: Text("运行中", "running"),
    ApprovalState.PAUSED: Text("已暂停", "paused"),
    ApprovalState.CLOSED: Text("已结束", "closed"),
    ApprovalState.KILLED: Text("已叫停", "stopped by compliance"),
    ApprovalState.EXPIRED: Text("已过期", "expired"),
    ApprovalState.VOID: Text("已失效", "void"),
}
_ONCE = Text("批准后", "once approved")
_LANES = {Lane.STABLE: Text("稳态", "stable"), Lane.AGILE: Text("敏态", "agile")}
# A hash tree repeats what the parts say.
_LEFT_OUT = ("tree",)


def approval_view(connection: Connection, approval: Approval) -> ApprovalView:
    """Return a request as the transaction's principal sees it."""
    person = principal_of(connection)
    found = approval_by_id(connection, approval.approval_id)
    acts = acts_of(connection, found.approval_id)
    verdict = verdict_on(connection, found, person)
    kind = KINDS[found.kind].title
    before, after = _content(connection, found, found.base_digest), _content(connection, found, found.digest)
    return ApprovalView(
        approval=found,
        title=Text(f"{kind.zh} {found.object_id}", f"{kind.en} {found.object_id}"),
        state=STATES[found.state],
        lane=_LANES[found.lane],
        why=tuple(Text(one["zh"], one["en"]) for one in found.demand.get("why", ())),
        stages=tuple(_stages(found, acts)),
        changes=tuple(changes_between(before, after)) if after is not None else (),
        effect=(PredictedFact(_ONCE, effects_of(found.kind).says), *_facts(found.effect)),
        acts=tuple(acts),
        may=tuple(_may(found, person.id, verdict.allowed, allowed(person, "kill", "approval"))),
        verdict=verdict,
    )


def changes_between(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield every place where two contents differ, in order; a place is the path of names that leads there."""
    old, new = dict(_leaves(before or {}, "")), dict(_leaves(after, ""))
    for place in sorted(old.keys() | new.keys()):
        if old.get(place) != new.get(place):
            yield Change(place, old.get(place), new.get(place))


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, one in value.items():
            if place or name not in _LEFT_OUT:
                yield from _leaves(one, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        for number, one in enumerate(value):
            yield from _leaves(one, f"{place}[{number}]")
    else:
        yield place, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _content(connection: Connection, found: Approval, digest: str | None) -> Mapping[str, Any] | None:
    """What a digest of the object stands for: the request's own content, or the stored lock."""
    if digest is None:
        return None
    for one in approvals(connection, found.kind, found.object_id):
        if one.digest == digest and one.content is not None:
            return one.content
    try:
        return read_lock(connection, digest)
    except NotFoundError:
        return None


def _stages(found: Approval, acts: list[Act]) -> Iterator[StageView]:
    waiting = next_stage(found)
    given = {a.stage: a for a in acts if a.act == "pass"}
    for stage in found.route:
        by = given.get(stage)
        at: datetime | None = by.recorded_at if by else None
        yield StageView(
            stage,
            STAGES[stage],
            by is not None,
            stage is waiting,
            by.person if by else None,
            by.acting_for if by else None,
            at,
            by.comment if by else "",
        )


def _may(found: Approval, person: str, passes: bool, kills: bool) -> Iterator[str]:
    """Yield the verbs that the person may use on the request now."""
    waiting = next_stage(found)
    if passes and waiting is not None:
        yield PERMISSION[waiting]
        yield "reject"
    if found.maker == person and found.state in OPEN:
        yield "recall"
    if kills and found.state in LIVE:
        yield "kill"


def _facts(effect: Mapping[str, Any]) -> Iterator[PredictedFact]:
    """The predicted effect as stored: name → {zh, en, value: {zh, en} or text}."""
    for name, body in effect.items():
        if isinstance(body, Mapping) and "zh" in body:
            value = body.get("value", "")
            said = Text(value["zh"], value["en"]) if isinstance(value, Mapping) else Text(str(value), str(value))
            yield PredictedFact(Text(body["zh"], body["en"]), said)
        else:
            yield PredictedFact(Text(name, name), Text(str(body), str(body)))
