"""Step 6, second half: the plan becomes decisions, reservations at the contact gate, and messages to channels and people.

One transaction: either all of a window's decisions, reservations and messages exist, or none. A decision already issued
for a window is returned, never recomputed, so that running twice sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.benefit.grants import grant_benefits
from bankloop.contact.asking import carry_out, queue_parts
from bankloop.contact.contracts import Cap, Capacity
from bankloop.kit.clock import Clock
from bankloop.kit.ids import canonical_json, uuid7
from bankloop.kit.worktime import WorkTime
from bankloop.loop.reach.candidates import actions_of
from bankloop.loop.reach.contracts import Bools, DatedPlan, ExperimentCell
from bankloop.loop.reach.explore import Lot
from bankloop.loop.reach.kernels import NONE
from bankloop.loop.reach.resources import window_days
from bankloop.loop.reach.schedule import schedule
from bankloop.loop.reach.why import LeftOut, why_left_out
from bankloop.loop.spec import ANY_CHANNEL, NO_BENEFIT, Lock, Policies, Product
from bankloop.organization.task import NO_LIMIT, create_tasks, dispatch_tasks
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT, DecisionBatch
from bankloop.store.history import append_decisions, read_decisions
from bankloop.store.verbs import verb

# A file of this many contacts is written, and written again after a crash, in well under a second.
PART = 5_000
# So many decisions are prepared while the database stores as many.
STORED_AT_ONCE = 40_000
_MARKETING = "marketing"
# Of a decision's reasons those that name a rule of the bank's own which would have contacted the customer.
BY_RULE = "rule:"
# What a contact takes of the decision that asks for it.
_ASKED = ("decision_id", "campaign", "round", "customer_no", "unit_id", "issued_action", "value_fen")


@dataclass(frozen=True, slots=True)
class Issued:
    """What issuing did: decisions newly stored, contacts accepted and refused (by name), file parts and tasks newly made."""

    decisions: int
    accepted: int
    refused: Mapping[str, int]
    messages: int
    tasks: int


@dataclass(frozen=True, slots=True)
class DecisionFrame:
    """What a window's decisions are recorded against.

    ``rules`` say by campaign and rule of the bank's own whom it would have contacted (n,).
    """

    round: int
    state_digest: str
    zone: str
    placement: str
    model_versions: Mapping[str, Mapping[str, int]]
    rules: Mapping[str, Mapping[str, Bools]] = field(default_factory=dict)


@verb("plan.issue")
def issue(
    connection: Connection,
    plan: DatedPlan,
    lot: Lot,
    locks: Mapping[str, Lock],
    policies: Policies,
    members: pa.Table,
    frame: DecisionFrame,
    clock: Clock,
    own_caps: Sequence[Cap] = (),
) -> Issued:
    """Store the window's decisions, reserve its contacts and queue its messages; idempotent by decision key.

    ``members`` holds the state rows of the plan's candidates, in their order; ``own_caps`` are the branches' beside the
    policies'.
    """
    new = _append(connection, plan, lot, locks, members, frame, clock)
    stored = read_decisions(connection, sorted(locks), frame.round, plan.window_start, _ASKED)
    contacts = _contacts(stored, policies, plan, frame.zone)
    caps, capacities = gate_limits(policies)
    going = messages = tasks = 0

    def give_out(accepted: pa.Table) -> None:
        nonlocal going, messages, tasks
        passed = grant_contacts(connection, accepted, locks, frame.round)
        going = passed.num_rows
        messages = queue_parts(connection, _messages(passed, locks, policies, plan.plan_id))
        tasks = _tasks(connection, passed, locks, policies, frame)

    refused = carry_out(connection, contacts, give_out, [*caps, *own_caps], capacities, frame.zone)
    report = Issued(new, going, refused, messages, tasks)
    record_audit(
        connection, "plan.issue", "plan", plan.plan_id, None,
        {"decisions": new, "messages": messages, "tasks": tasks, "window": plan.window_start.isoformat()},
    )  # fmt: skip
    return report


def gate_limits(policies: Policies) -> tuple[list[Cap], list[Capacity]]:
    """Return the gate's caps and daily capacities as the policies state them."""
    caps = [Cap(EVERY_UNIT if c.channel == ANY_CHANNEL else c.channel, c.limit, c.days) for c in policies.contact.caps]
    capacities = [
        Capacity(name, channel.per_day) for name, channel in policies.channels.items() if channel.per_day is not None
    ]
    return caps, capacities


def _append(
    connection: Connection,
    plan: DatedPlan,
    lot: Lot,
    locks: Mapping[str, Lock],
    members: pa.Table,
    frame: DecisionFrame,
    clock: Clock,
) -> int:
    """Store every campaign's decisions and return how many are new: the next are written down while the database takes some."""
    with ThreadPoolExecutor(1) as database:
        stored: list[Future[int]] = []
        for index, campaign in enumerate(plan.candidates.campaigns):
            every, why = np.flatnonzero(plan.candidates.member[:, index]), why_left_out(plan, index)
            for rows in np.array_split(every, max(1, -(-len(every) // STORED_AT_ONCE))):
                made = _decisions(plan, lot, index, rows, why, locks[campaign.campaign], members, frame, clock)
                # No more than two wait; where one failed no more are made.
                if len(stored) > 1:
                    stored[-2].result()
                stored.append(database.submit(append_decisions, connection, DecisionBatch(made)))
        return sum(one.result() for one in stored)


def _decisions(
    plan: DatedPlan,
    lot: Lot,
    index: int,
    rows: np.ndarray,
    why: np.ndarray,
    lock: Lock,
    members: pa.Table,
    frame: DecisionFrame,
    clock: Clock,
) -> pa.Table:
    found = plan.candidates
    n = len(rows)
    moment = clock.now()
    milliseconds = int(moment.timestamp() * 1000)
    cell = np.where(
        found.control[rows, index] & (found.cell[rows] != ExperimentCell.HOLDOUT.value), "control", found.cell[rows]
    )
    issued, intended = plan.chosen(lock.name)[rows], plan.meant(lock.name)[rows]
    columns = np.where(plan.issued[rows, index] == NONE, 0, plan.issued[rows, index])
    value = np.where(issued != "", np.rint(np.nan_to_num(found.value[rows, columns], neginf=0.0)), 0.0)
    due = plan.window_start + timedelta(days=lock.campaign.goal.within)
    taken = pa.array(rows)
    return pa.table(
        {
            "decision_id": pa.array([str(uuid7(milliseconds)) for _ in range(n)]),
            "campaign": pa.array([lock.name] * n),
            "round": pa.array([frame.round] * n, pa.int32()),
            "customer_no": found.customer_no.take(taken),
            "unit_id": members["branch_id"].take(taken).combine_chunks(),
            "placement": pa.array([frame.placement] * n),
            "window_start": pa.array([plan.window_start] * n),
            "window_end": pa.array([plan.window_end] * n),
            "lock_digest": pa.array([lock.digest] * n),
            "plan_id": pa.array([_uuid_text(plan.plan_id)] * n),
            "as_of": pa.array([plan.as_of] * n),
            "state_digest": pa.array([frame.state_digest] * n),
            "cell": pa.array(cell.tolist()),
            "intended_action": pa.array(intended.tolist()),
            "issued_action": pa.array(issued.tolist()),
            "propensities": _propensities(plan, lot, index, rows, issued),
            "attributes": _values_read(members.take(taken), lock),
            "model_versions": pa.array([canonical_json(frame.model_versions.get(lock.name, {}))] * n),
            "value_fen": pa.array(value.astype(np.int64)),
            "reasons": _reasons(plan, index, rows, why, frame.rules.get(lock.name, {})),
            "due_on": pa.array([due] * n),
            "recorded_at": pa.array([moment] * n, pa.timestamp("us", tz="UTC")),
        }
    )


def _reasons(plan: DatedPlan, index: int, rows: np.ndarray, why: np.ndarray, rules: Mapping[str, Bools]) -> pa.Array:
    """The reason of every decision, which campaigns it lost to, and which of the bank's own rules would have contacted.

    The log of who won whom, and of what a rule would have done instead.
    """
    names = [one.campaign for one in plan.candidates.campaigns]
    found = []
    for code, issued in zip(why[rows].tolist(), plan.issued[rows].tolist(), strict=True):
        won = [f"lost_to:{names[at]}" for at, column in enumerate(issued) if column != NONE and at != index]
        found.append([code, *won] if code == LeftOut.OTHER_CAMPAIGN else [code])
    for name, chosen in rules.items():
        for at in np.flatnonzero(chosen[rows]).tolist():
            found[at].append(f"{BY_RULE}{name}")
    return pa.array(found, pa.list_(pa.string()))


def _uuid_text(plan_id: str) -> str:
    return f"{plan_id[:8]}-{plan_id[8:12]}-{plan_id[12:16]}-{plan_id[16:20]}-{plan_id[20:32]}"


def _propensities(plan: DatedPlan, lot: Lot, index: int, rows: np.ndarray, issued: np.ndarray) -> pa.Array:
    """JSON {action: ppm} of every action of the campaign that could have been drawn, '' being none."""
    columns = np.flatnonzero(plan.candidates.column_campaign == index)
    names = [plan.candidates.actions[c].key for c in columns]
    place = {int(row): position for position, row in enumerate(lot.rows)}
    certain = {key: canonical_json({key: 1_000_000}) for key in {*issued.tolist(), ""}}
    texts = []
    for row, key in zip(rows.tolist(), issued.tolist(), strict=True):
        position = place.get(row)
        if position is None:
            texts.append(certain[key])
            continue
        marginal = lot.marginal[position, columns]
        drawn = {name: round(p * 1e6) for name, p in zip(names, marginal.tolist(), strict=True) if p > 0}
        texts.append(canonical_json({**drawn, "": 1_000_000 - sum(drawn.values())}))
    return pa.array(texts)


def _values_read(members: pa.Table, lock: Lock) -> pa.Array:
    """JSON of the attributes that the lock reads, per customer, made by the engine in one pass."""
    names = [name for name in sorted(lock.types) if name in members.column_names]
    with duckdb.connect() as connection:
        connection.register("members", members.select(names))
        pairs = ", ".join(f'"{name}" := "{name}"' for name in names)
        text = connection.sql(f"SELECT CAST(to_json(struct_pack({pairs})) AS VARCHAR) AS body FROM members")
        return text.to_arrow_table().column("body").combine_chunks()


def _contacts(stored: pa.Table, policies: Policies, plan: DatedPlan, zone: str) -> pa.Table:
    """The contacts that stored decisions ask for, each with its due moment; the same decisions give the same days."""
    wanted = stored.filter(pc.not_equal(pc.fill_null(stored["issued_action"], ""), ""))
    keys = wanted["issued_action"].to_pylist()
    channels = [key.split("|")[2] for key in keys]
    days = window_days(plan.window_start, policies.plan.window)
    due = schedule(channels, wanted["value_fen"].fill_null(0).to_pylist(), policies, days, zone)
    table = pa.table(
        {
            "decision_id": wanted["decision_id"],
            "customer_no": wanted["customer_no"],
            "unit_id": wanted["unit_id"],
            "channel": pa.array(channels, pa.string()),
            "campaign": wanted["campaign"],
            "contact_class": pa.array([_MARKETING] * len(keys), pa.string()),
            "due_at": pa.array([d.moment if d else None for d in due], pa.timestamp("us", tz="UTC")),
            "due_on": pa.array([d.day if d else None for d in due], pa.date32()),
            "action": pa.array(keys, pa.string()),
            "round": wanted["round"],
            "value_fen": wanted["value_fen"].fill_null(0),
        }
    )
    return table.filter(pc.is_valid(table["due_at"]))


def grant_contacts(connection: Connection, contacts: pa.Table, locks: Mapping[str, Lock], round_: int) -> pa.Table:
    """Take each contact's benefit from budget and stock; return those that stand: without it none is made.

    ``contacts`` name decision_id, customer_no, unit_id, campaign, action, due_on and value_fen.
    """
    ordered = contacts.sort_by([("value_fen", "descending"), ("decision_id", "ascending")])
    keys = [key.split("|")[1] for key in ordered["action"].to_pylist()]
    benefits = {b.key: b for lock in locks.values() for b in lock.benefits}
    given = [benefits.get(key) for key in keys]
    ends = [
        due + timedelta(days=one.expires) if one else None
        for due, one in zip(ordered["due_on"].to_pylist(), given, strict=True)
    ]
    grants = pa.table(
        {
            "decision_id": ordered["decision_id"],
            "customer_no": ordered["customer_no"],
            "unit_id": ordered["unit_id"],
            "benefit": pa.array(keys, pa.string()),
            "reserved_fen": pa.array([one.reserved_fen if one else 0 for one in given], pa.int64()),
            "budget": pa.array([budget_of(name, round_) for name in ordered["campaign"].to_pylist()], pa.string()),
            "expires_on": pa.array(ends, pa.date32()),
        }
    ).filter(pc.not_equal(pa.array(keys, pa.string()), NO_BENEFIT))
    budgets = {
        budget_of(name, round_): lock.campaign.reach.budget
        for name, lock in locks.items()
        if lock.campaign.reach.budget is not None
    }
    outcome = grant_benefits(connection, grants, budgets, {key: one.stock for key, one in benefits.items()})
    refused = outcome.filter(pc.invert(outcome["granted"]))["decision_id"].combine_chunks()
    return contacts.filter(pc.invert(pc.is_in(contacts["decision_id"], refused)))


def budget_of(campaign: str, round_: int) -> str:
    """Return the name of a campaign's budget for a round."""
    return f"{campaign}:{round_}"


def _messages(contacts: pa.Table, locks: Mapping[str, Lock], policies: Policies, plan_id: str) -> pa.Table:
    """One message per file part: a campaign's contacts of one day on a channel, at most ``PART`` of them.

    A part has one campaign, so that what waits of a campaign can be held.
    """
    filed = [name for name, channel in policies.channels.items() if channel.delivery == "file"]
    mine = contacts.filter(pc.is_in(contacts["channel"], pa.array(filed, pa.string())))
    order = ("channel", "due_on", "campaign", "decision_id")
    mine = mine.sort_by([(name, "ascending") for name in order])
    scripts = _scripts(locks)
    parts: dict[tuple[str, str, str, int], list[dict[str, str]]] = {}
    due: dict[tuple[str, str, str, int], datetime] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for row in mine.select(
        ["decision_id", "campaign", "customer_no", "channel", "due_on", "due_at", "action"]
    ).to_pylist():
        place = (row["channel"], row["due_on"].isoformat(), row["campaign"])
        seen[place] = seen.get(place, 0) + 1
        part = (*place, (seen[place] - 1) // PART)
        due[part] = min(due.get(part, row["due_at"]), row["due_at"])
        parts.setdefault(part, []).append(
            {
                "contact": row["decision_id"],
                "campaign": row["campaign"],
                "customer_no": row["customer_no"],
                "action": row["action"],
                "script": scripts[(row["campaign"], row["action"])],
            }
        )
    keys = [f"{plan_id}/{channel}/{day}/{campaign}/{part}" for channel, day, campaign, part in parts]
    bodies = [
        canonical_json({"channel": channel, "due_on": day, "campaign": campaign, "contacts": rows})
        for (channel, day, campaign, _), rows in parts.items()
    ]
    return pa.table(
        {
            "key": pa.array(keys, pa.string()),
            "unit_id": pa.array([EVERY_UNIT] * len(keys), pa.string()),
            "payload": pa.array(bodies, pa.string()),
            "due_at": pa.array([due[part] for part in parts], pa.timestamp("us", tz="UTC")),
        }
    )


def _scripts(locks: Mapping[str, Lock]) -> dict[tuple[str, str], str]:
    return {(name, action.key): action.script for name, lock in locks.items() for action in actions_of(lock)}


def _tasks(
    connection: Connection, contacts: pa.Table, locks: Mapping[str, Lock], policies: Policies, frame: DecisionFrame
) -> int:
    staffed = [name for name, channel in policies.channels.items() if channel.delivery == "task"]
    mine = contacts.filter(pc.is_in(contacts["channel"], pa.array(staffed, pa.string())))
    if not mine.num_rows:
        return 0
    scripts = _scripts(locks)
    pairs = list(zip(mine["campaign"].to_pylist(), mine["action"].to_pylist(), strict=True))
    products = [_product(locks[name], action) for name, action in pairs]
    tasks = pa.table(
        {
            "decision_id": mine["decision_id"],
            "campaign": mine["campaign"],
            "round": mine["round"],
            "customer_no": mine["customer_no"],
            "unit_id": mine["unit_id"],
            "due_on": mine["due_on"],
            "action": mine["action"],
            "value_fen": mine["value_fen"],
            "script_version": pa.array([scripts[pair] for pair in pairs], pa.string()),
            "reason": pa.array(["plan"] * mine.num_rows, pa.string()),
            "risk": pa.array([p.risk.level if p and p.risk else 0 for p in products], pa.int32()),
            "licence": pa.array([p.product_class if p and p.is_investment else "" for p in products], pa.string()),
        }
    )
    # The plan and the gate have already held each channel's day; a branch's own day holds what its minutes allow.
    units = set(mine["unit_id"].to_pylist())
    created = create_tasks(connection, tasks, dict.fromkeys(units, NO_LIMIT), WorkTime(frame.zone)).created
    for name in sorted(set(mine["campaign"].to_pylist())):
        dispatch_tasks(connection, name, frame.round)
    return created


def _product(lock: Lock, action: str) -> Product | None:
    """Return the product that an action speaks for."""
    key = action.split("|")[0]
    return next((one for one in lock.products if one.key == key), None)
