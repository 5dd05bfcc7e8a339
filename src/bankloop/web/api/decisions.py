"""Real time: what a slot shows to who is there, what they made of it, and why it was shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from bankloop.kit.fields import Moment, Name
from bankloop.kit.plain import plain
from bankloop.loop.reach import OUTCOMES
from bankloop.loop.realtime import (
    LiveAnswer,
    LiveOutcome,
    RankedAction,
    decide_live,
    explain,
    rank_live,
    record_outcome,
    slot_tallies,
)
from bankloop.organization.rights import require
from bankloop.web.api.dependencies import PREFIX, Body, Open, Reads, Writes, does

router = APIRouter(prefix=PREFIX, tags=["decisions"])


class SlotBody(Body):
    """Who is there and at which slot; ``dry_run`` decides nothing and counts nothing."""

    customer_no: Name
    slot: Name
    dry_run: bool = False


class LiveOutcomeBody(Body):
    """What a customer made of a decision's offer, and when; ``number`` is the teller's own for it."""

    decision_id: Annotated[str, Field(min_length=1, max_length=64)]
    outcome: LiveOutcome
    occurred_at: Moment
    number: Annotated[str, Field(max_length=100)] = ""


# A decision stands for its window and an outcome for its number: neither needs a key to be sent again.
@router.post("/decisions", openapi_extra=does("decision.make"))
def decide(body: SlotBody, console: Open, visitor: Writes) -> dict[str, Any]:
    """Say what a slot shows to a customer now: decided once for the window, reserved before it is answered."""
    if body.dry_run:
        require(visitor.principal, "decision.read")
        return _answer(rank_live(console.desk, visitor.principal, body.customer_no, body.slot))
    return _answer(decide_live(console.desk, visitor.principal, body.customer_no, body.slot))


@router.post("/outcomes", openapi_extra=does("decision.answer"))
def outcome(body: LiveOutcomeBody, console: Open, visitor: Writes) -> dict[str, Any]:
    """Take in what a customer made of what was shown; what is declined is left in peace on every channel."""
    with console.bank.store.begin(visitor.principal) as connection:
        told = (body.decision_id, body.outcome, body.occurred_at, body.number)
        new = record_outcome(console.desk, connection, *told)
    return {"decision_id": body.decision_id, "outcome": body.outcome.value, "new": new}


@router.get("/decisions/{decision_id}/explain")
def explained(decision_id: Name, console: Open, visitor: Reads) -> dict[str, Any]:
    """Say why a slot showed what it showed: every action with its value, what the prices took, cell and probability."""
    require(visitor.principal, "decision.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = explain(connection, decision_id)
    return {**plain(found), "ranked": [_ranked(one) for one in found.ranked]}


@router.get("/slots")
def slots(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the slots with what they decided today and what customers made of it."""
    require(visitor.principal, "decision.read")
    with console.bank.store.begin(visitor.principal) as connection:
        found = slot_tallies(console.bank, connection, console.bank.lake.today())
    return {"items": plain(found), "next": None}


def _answer(found: LiveAnswer) -> dict[str, Any]:
    return {**plain(found), "ranked": [_ranked(one) for one in found.ranked]}


def _ranked(one: RankedAction) -> Mapping[str, Any]:
    return {**plain(one), "reason": plain(OUTCOMES[one.outcome])}
