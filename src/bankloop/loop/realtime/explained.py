"""Why a slot showed what it showed, and what slots did since a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bankloop.contact.queries import ContactRow, contact_row
from bankloop.loop.bank import Bank
from bankloop.loop.realtime import errors
from bankloop.loop.realtime.answering import ranking_of
from bankloop.loop.realtime.contracts import PREFIX, RANKING, LiveOutcome, RankedAction, SlotTally
from bankloop.loop.realtime.outcomes import SOURCE
from bankloop.organization.rights import require
from bankloop.store.database import principal_of
from bankloop.store.lineage import decided_at_places, decision_row, events_counted, windows_asked
from bankloop.store.questions import ask


@dataclass(frozen=True, slots=True)
class LiveExplanation:
    """One decision of a slot with what explains it.

    ``beside`` are the reasons of the campaigns that were weighed with it, ``odds`` ppm by action, ``contact`` what the
    gate said.
    """

    decision_id: str
    customer_no: str
    slot: str
    campaign: str
    round: int
    window_start: date
    window_end: date
    cell: str
    intended: str
    issued: str
    odds: Mapping[str, int]
    beside: Mapping[str, str]
    lock: str
    plan_id: str
    state: str
    as_of: date
    models: Mapping[str, int]
    ranked: tuple[RankedAction, ...]
    contact: ContactRow | None


def explain(connection: Connection, decision_id: str) -> LiveExplanation:
    """Return why a decision of a slot is what it is; ``NotFoundError`` for one that is not there or not to be seen."""
    require(principal_of(connection), "decision.read")
    try:
        found = decision_row(connection, UUID(decision_id))
    except ValueError as error:
        raise errors.no_decision(decision_id) from error
    if found is None or not found["campaign"].startswith(PREFIX):
        raise errors.no_decision(decision_id)
    together = [
        one
        for one in ask(connection, windows_asked(found["customer_no"], [found["window_start"]], RANKING))
        if one["placement"] == found["placement"] and one["campaign"].startswith(PREFIX)
    ]
    return LiveExplanation(
        decision_id=str(found["decision_id"]),
        customer_no=found["customer_no"],
        slot=found["placement"],
        campaign=_campaign(found),
        round=found["round"],
        window_start=found["window_start"],
        window_end=found["window_end"],
        cell=found["cell"],
        intended=found["intended_action"] or "",
        issued=found["issued_action"] or "",
        odds=found["propensities"],
        beside={_campaign(one): one["reasons"][0] for one in together},
        lock=found["lock_digest"],
        plan_id=str(found["plan_id"]),
        state=found["state_digest"],
        as_of=found["as_of"],
        models=found["model_versions"],
        ranked=ranking_of(together),
        contact=contact_row(connection, UUID(decision_id)),
    )


def slot_tallies(bank: Bank, connection: Connection, since: date) -> tuple[SlotTally, ...]:
    """Return what each of the bank's slots did since a day, in the order of its channels."""
    require(principal_of(connection), "decision.read")
    decided = {place: (customers, issued) for place, customers, issued in decided_at_places(connection, PREFIX, since)}
    told: dict[str, dict[str, int]] = {}
    for channel, kind, count in events_counted(connection, SOURCE, since):
        told.setdefault(channel, {})[kind.removeprefix("offer_")] = count
    found = []
    for name, channel_ in bank.spec.policies.channels.items():
        if channel_.is_slot:
            customers, issued = decided.get(name, (0, 0))
            outcomes = {one.value: told.get(name, {}).get(one.value, 0) for one in LiveOutcome}
            found.append(SlotTally(name, channel_.title.text, channel_.counts, customers, issued, outcomes))
    return tuple(found)


def _campaign(row: Mapping[str, Any]) -> str:
    return str(row["campaign"]).removeprefix(PREFIX)
