"""What a customer made of what was shown: each outcome is an event, once; a refusal holds on every channel at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bankloop.contact.declined import QUIET, decline_offer
from bankloop.customer.event import EventState, GivenEvent, read_event_types, take_events
from bankloop.kit.text import Text
from bankloop.loop.realtime import errors
from bankloop.loop.realtime.contracts import PREFIX, LiveOutcome
from bankloop.loop.realtime.desk import DecisionDesk
from bankloop.organization.rights import require
from bankloop.store.audit import record_audit
from bankloop.store.database import principal_of
from bankloop.store.lineage import decision_row
from bankloop.store.verbs import verb

SOURCE = "slots"


def outcome_named(name: str) -> LiveOutcome:
    """Return an outcome by its name; raise ``InputError`` with the nearest one."""
    try:
        return LiveOutcome(name)
    except ValueError as error:
        raise errors.no_outcome(name, [one.value for one in LiveOutcome]) from error


@verb("decision.answer")
def record_outcome(
    desk: DecisionDesk, connection: Connection, decision_id: str, outcome: LiveOutcome, at: datetime, number: str = ""
) -> bool:
    """Take in what a customer made of a decision's offer and return whether it is new.

    ``number`` is the teller's own for it; without one each outcome of a decision counts once. What is declined is not
    offered again for half a year, what is dismissed for ``contact.dismissed_days``, over any channel. Raises
    ``NotFoundError`` for a decision that is not there, ``ConflictError`` for one that showed nothing.
    """
    require(principal_of(connection), "decision.answer")
    found = _decision(connection, decision_id)
    if at < found["recorded_at"] - timedelta(seconds=1):
        raise errors.too_early(decision_id)
    named = str(found["decision_id"])
    own, kind = number or f"{named}/{outcome.value}", f"offer_{outcome.value}"
    event = GivenEvent(own, kind, found["customer_no"], at, found["placement"], {"decision": named})
    taken = take_events(connection, read_event_types(desk.bank.folder), SOURCE, [event], desk.bank.lake.zone)
    verdict = taken.verdicts[0]
    # Without a number of the teller's own it is the same outcome whenever it is told again.
    if verdict.state is EventState.REFUSED and not number and verdict.code == "event.contradicts":
        return False
    if verdict.state is EventState.REFUSED:
        raise errors.refused_outcome(named, verdict.reason or Text(verdict.code, verdict.code))
    campaign = found["campaign"].removeprefix(PREFIX)
    if outcome in (LiveOutcome.DECLINED, LiveOutcome.DISMISSED):
        days = desk.bank.spec.policies.contact.dismissed_days
        quiet = QUIET if outcome is LiveOutcome.DECLINED else timedelta(days=days)
        decline_offer(connection, UUID(named), found["customer_no"], campaign, quiet)
    record_audit(connection, "decision.answer", "decision", named, None, {"outcome": outcome.value})
    return verdict.state is EventState.TAKEN


def _decision(connection: Connection, decision_id: str) -> dict[str, Any]:
    try:
        found = decision_row(connection, UUID(decision_id))
    except ValueError as error:
        raise errors.no_decision(decision_id) from error
    if found is None or not str(found["campaign"]).startswith(PREFIX):
        raise errors.no_decision(decision_id)
    if not found["issued_action"]:
        raise errors.not_shown(decision_id)
    return dict(found)
