"""From a conversion back to what led to it: contact, plan, segment, model version; under the reader's own rights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bankloop.contact.queries import ContactRow, contact_row
from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import event_types
from bankloop.loop.spec import Lock, read_lock
from bankloop.store.contracts import ModelVersion, Principal
from bankloop.store.lineage import (
    EventRow,
    decision_row,
    decisions_before,
    event_row,
    events_about,
)
from bankloop.store.registry import read_lock as stored_lock
from bankloop.store.registry import read_models, read_snapshot


@dataclass(frozen=True, slots=True)
class Trace:
    """One decision with everything before and after it.

    ``segment`` is the digest of the frozen audience, ``expression`` what selected it; ``models`` the registry's rows of the
    versions that scored; ``events`` what the customer did in the window that the campaign counts, ``conversion`` the first
    that reached the goal.
    """

    decision_id: str
    campaign: str
    title: Text
    round: int
    customer_no: str
    cell: str
    intended: str
    issued: str
    propensity: float | None
    reasons: tuple[str, ...]
    lock: str
    plan_id: str
    state: str
    as_of: str
    expression: str
    segment: str
    members: int
    models: tuple[ModelVersion, ...]
    contact: ContactRow | None
    events: tuple[EventRow, ...]
    conversion: EventRow | None
    window: tuple[str, str]


def trace(bank: Bank, principal: Principal, wanted: str) -> Trace:
    """Return the trace of a decision's id, or of an event written ``SOURCE/NUMBER``.

    An event is traced to the latest decision whose goal it meets, else to the latest in whose window it fell. Raise
    ``NotFoundError`` for what is not there, or is not the reader's to see: nobody learns which.
    """
    with bank.store.begin(principal) as connection:
        if "/" in wanted:
            return _of_event(connection, wanted)
        try:
            found = decision_row(connection, UUID(wanted.strip()))
        except ValueError:
            found = None
        # What a programme decided has neither lock nor round to be traced to: the decision itself is all of it.
        if found is None or not found["lock_digest"]:
            raise _nothing(wanted)
        return _traced(connection, found)


def _of_event(connection: Connection, wanted: str) -> Trace:
    source, _, number = wanted.strip().rpartition("/")
    event = event_row(connection, source, int(number)) if number.isascii() and number.isdigit() else None
    if event is None:
        raise _nothing(wanted)
    decisions = decisions_before(connection, event)
    if not decisions:
        raise NotFoundError(
            "trace.no_decision",
            Text("事件 {event} 不在任何决策的窗口内：不是经营触发的", "event {event} fell in no decision's window: no campaign was about it"),
            event=wanted,
        )  # fmt: skip
    met = [one for one in decisions if _lock(connection, one).campaign.goal.event == event.type]
    return _traced(connection, (met or decisions)[0])


def _traced(connection: Connection, found: Mapping[str, Any]) -> Trace:
    lock, number = _lock(connection, found), found["decision_id"]
    snapshot = read_snapshot(connection, found["campaign"], found["round"])
    used = _plain(found["model_versions"])
    models = tuple(
        m for name, version in sorted(used.items()) for m in read_models(connection, name) if m.version == version
    )
    until = (found["due_on"] or found["window_end"] + timedelta(days=1)) - timedelta(days=1)
    counted = set(event_types(lock))
    events = tuple(
        e for e in events_about(connection, found["customer_no"], found["window_start"], until) if e.type in counted
    )
    after = [e for e in events if e.type == lock.campaign.goal.event and e.occurred_at >= found["recorded_at"]]
    odds, issued = _plain(found["propensities"]), found["issued_action"] or ""
    return Trace(
        decision_id=str(number),
        campaign=found["campaign"],
        title=lock.campaign.title.text,
        round=found["round"],
        customer_no=found["customer_no"],
        cell=found["cell"],
        intended=found["intended_action"] or "",
        issued=issued,
        propensity=odds[issued] / 1_000_000 if issued in odds else None,
        reasons=tuple(found["reasons"]),
        lock=found["lock_digest"],
        plan_id=str(found["plan_id"] or ""),
        state=found["state_digest"],
        as_of=found["as_of"].isoformat(),
        expression=lock.campaign.audience,
        segment=snapshot.digest if snapshot else "",
        members=int(snapshot.waterfall.get("usable", 0)) if snapshot else 0,
        models=models,
        contact=contact_row(connection, number),
        events=events,
        conversion=after[0] if after else None,
        window=(found["window_start"].isoformat(), until.isoformat()),
    )


def _lock(connection: Connection, found: Mapping[str, Any]) -> Lock:
    return read_lock(stored_lock(connection, found["lock_digest"]))


def _plain(value: Any) -> dict[str, Any]:
    return dict(json.loads(value) if isinstance(value, str) else value)


def _nothing(wanted: str) -> NotFoundError:
    return NotFoundError(
        "trace.unknown",
        Text("没有“{wanted}”，或不在您的权限内；请给决策号，或 来源/事件号", "there is no '{wanted}', or it is not yours to see; give a decision's id, or SOURCE/NUMBER of an event"),
        wanted=wanted,
    )  # fmt: skip
