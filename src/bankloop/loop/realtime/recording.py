"""What a decision in real time leaves behind: a row for each campaign that wants the customer, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from bankloop.contact.asking import carry_out
from bankloop.contact.contracts import CONTACT_SCHEMA, IMPRESSION, MARKETING
from bankloop.contact.stops import stop_contacts
from bankloop.kit.ids import canonical_json, uuid7
from bankloop.loop import reach
from bankloop.loop.reach import ExperimentCell, LeftOut
from bankloop.loop.realtime.answering import NO_ROOM, SAID, LiveCase
from bankloop.loop.realtime.contracts import PREFIX, RANKING, LiveAnswer
from bankloop.loop.realtime.desk import OpenWindow
from bankloop.loop.realtime.weighing import CONTROL, PPM, Weighed
from bankloop.loop.spec import Channel
from bankloop.store.database import now_of

_ASKED = pa.schema([*CONTACT_SCHEMA, ("action", pa.string()), ("due_on", pa.date32()), ("value_fen", pa.int64())])


def decisions_for(
    connection: Connection, case: LiveCase, weighed: Sequence[Weighed], answer: LiveAnswer
) -> list[dict[str, Any]]:
    """Return one decision for each campaign that wants the customer at this slot: what it shows, or would have."""
    found: list[dict[str, Any]] = []
    for one in weighed:
        found += [
            _decision(connection, case, one, name, answer)
            for name in one.members
            if any(action.channel == case.slot for action in one.window.valuers[name].actions)
        ]
    return found


def _decision(connection: Connection, case: LiveCase, one: Weighed, name: str, answer: LiveAnswer) -> dict[str, Any]:
    now, lock, plan = now_of(connection), one.window.locks[name], one.window.plan
    held = one.cell == ExperimentCell.HOLDOUT.value
    explores = one.cell == ExperimentCell.EXPLORE.value
    read = {key: case.row[key] for key in sorted(lock.types) if key in case.row}
    ranked = one.ranked()
    ranking = [[r.campaign, r.action, r.value_fen, dict(r.charges), r.score_fen, r.outcome.value] for r in ranked]
    drawn = {key: ppm for key, ppm in one.odds.items() if not key or _is_of(one.window, name, key)}
    chosen = one.chosen if one.chosen == f"{answer.campaign}|{answer.action}" else ""
    issued = _own(chosen, name)
    return {
        "decision_id": str(uuid7(int(now.timestamp() * 1000))),
        "campaign": f"{PREFIX}{name}",
        "round": one.window.round,
        "customer_no": case.number,
        "unit_id": str(case.row["branch_id"]),
        "placement": case.slot,
        "window_start": plan.window_start,
        "window_end": plan.window_end,
        "lock_digest": lock.digest,
        "plan_id": str(plan.plan_id),
        "as_of": case.counter.as_of,
        "state_digest": case.counter.digest,
        "cell": CONTROL if name in one.control and not held else one.cell,
        "intended_action": _own(one.ghost.chosen, name),
        "issued_action": issued,
        "propensities": canonical_json(drawn if explores else {issued: PPM}),
        "attributes": canonical_json({**read, RANKING: ranking}),
        "model_versions": canonical_json(one.window.versions[name]),
        "value_fen": next((r.value_fen for r in ranked if issued and (r.campaign, r.action) == (name, issued)), 0),
        "reasons": [_reason(one, name, chosen).value, f"{SAID}{answer.code}"],
        "due_on": None,
        "recorded_at": now,
    }


def _own(action: str, name: str) -> str:
    """Return the key of an action that is the campaign's, else ''."""
    campaign, _, key = action.partition("|")
    return key if campaign == name else ""


def _is_of(window: OpenWindow, name: str, action: str) -> bool:
    return any(one.key == action for one in window.valuers[name].actions)


def _reason(one: Weighed, name: str, chosen: str) -> LeftOut:
    if _own(chosen, name):
        return LeftOut.REACHED
    if one.cell == ExperimentCell.HOLDOUT.value:
        return LeftOut.HOLDOUT
    if name in one.control:
        return LeftOut.CONTROL
    mine = [r for r in one.answer.offers if r.action.startswith(f"{name}|") and np.isfinite(r.value)]
    if not mine:
        return LeftOut.NOTHING_OPEN
    if one.cell == ExperimentCell.EXPLORE.value:
        return LeftOut.EXPLORED_NONE
    if max(r.value for r in mine) <= 0:
        return LeftOut.NOT_WORTH
    return LeftOut.PRICED_OUT if max(r.score for r in mine) <= 0 else LeftOut.OTHER_CAMPAIGN


def reserve(
    connection: Connection, case: LiveCase, window: OpenWindow, own: Mapping[str, Any], channel: Channel
) -> str:
    """Reserve the contact at the gate, then its benefit; return what refuses it, '' where nothing does."""
    now = now_of(connection)
    kind = IMPRESSION if channel.counts == "impression" else MARKETING
    said = {key: own[key] for key in ("decision_id", "customer_no", "unit_id")}
    contact = {
        **said,
        "channel": case.slot,
        "campaign": own["campaign"].removeprefix(PREFIX),
        "contact_class": kind,
        "due_at": now,
    }
    caps, capacities = reach.gate_limits(window.policies)
    if kind == IMPRESSION:
        caps = [replace(cap, contact_class=IMPRESSION) for cap in caps if cap.scope == case.slot]
    asked = {**contact, "action": own["issued_action"], "due_on": case.counter.today, "value_fen": own["value_fen"]}
    stands = 0

    def give(accepted: pa.Table) -> None:
        nonlocal stands
        stands = reach.grant_contacts(connection, accepted, window.locks, window.round).num_rows

    caps = [*caps, *case.counter.caps()]
    refused = carry_out(connection, pa.Table.from_pylist([asked], _ASKED), give, caps, capacities, case.zone)
    if refused:
        return next(iter(refused))
    if not stands:
        stop_contacts(connection, [own["decision_id"]], NO_ROOM)
        return NO_ROOM
    return ""
