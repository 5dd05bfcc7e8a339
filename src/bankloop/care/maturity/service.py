"""The verbs of care: a call before money matures, an explanation when a product fell. Each is service: it sells nothing.

A call is reserved at the contact gate as service, so that it is on record and no cap of marketing counts or refuses it.
Who is on the do-not-contact list is not called, and no message is sent either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.care.maturity import errors
from bankloop.care.maturity.contracts import Drawdown, DrawdownCare, Maturing, MaturityCare, MaturityPolicy
from bankloop.care.maturity.queries import falls, holders, maturing
from bankloop.care.maturity.rules import DRAWDOWN, MATURITY, drawdown_reason, maturity_reason, read_care, spared_by
from bankloop.care.maturity.telling import care_id, telling_id
from bankloop.contact.asking import Asker, DecisionClass, Intent, ask
from bankloop.customer.consent import permits
from bankloop.kit.worktime import WorkTime
from bankloop.lake.service import Lake
from bankloop.loop.offering.shelf import gate
from bankloop.organization.task import NO_LIMIT, TaskKind, place_tasks, send_down, task_schema
from bankloop.store.audit import record_audit
from bankloop.store.copying import copy_in
from bankloop.store.database import bank_wide
from bankloop.store.verbs import verb

CALL = "rm_call"
# Whom somebody talks with about the same money already: an open call on a renewal, or maturity care of the last days.
_IN_TOUCH = """
SELECT DISTINCT n.customer_no FROM {name} n JOIN staff_task t USING (customer_no)
WHERE (t.campaign = :care AND t.due_on > :since AND t.state NOT IN ('RECALLED', 'EXPIRED'))
   OR (t.action LIKE 'term-deposit%' AND t.state NOT IN ('DONE', 'REJECTED', 'RECALLED', 'EXPIRED'))
"""


@verb("care.maturity")
def make_maturity_tasks(
    connection: Connection, lake: Lake, today: date, effects: Mapping[str, float], hours: WorkTime | None = None
) -> MaturityCare:
    """Make a call due today for every customer whose money matures and whose step of the policy it is.

    A customer gets one call for all that matures within the step, whatever it is worth most in. ``effects`` is by customer
    what a call was measured to add to the chance of keeping the money. Left alone are those whom a call harms, those whose
    deposit renews by itself unless a call helps, who has no manager, is spoken with already, or is not to be contacted.
    """
    policy, clock = read_care(lake.folder).maturity, hours or WorkTime(lake.zone)
    due = _by_customer(maturing(connection, lake, policy, today), policy, today)
    spared: Counter[str] = Counter()
    wanted = []
    for number, rows in due.items():
        why = spared_by(rows[0].auto_renew, effects.get(number)) or ("" if rows[0].staff_id else "no_manager")
        if why:
            spared[why] += 1
        else:
            wanted.append((number, rows))
    silent = _silent(connection, [number for number, _ in wanted], today, policy)
    spared.update(silent.values())
    tasks = [_maturity_task(rows, policy, today) for number, rows in wanted if number not in silent]
    made = _place(connection, tasks, MATURITY, clock)
    after = {"due": len(due), "tasks": made, "spared": dict(sorted(spared.items()))}
    record_audit(connection, "care.maturity", "care", today.isoformat(), None, after)
    return MaturityCare(len(due), made, dict(sorted(spared.items())))


@verb("care.drawdown")
def tell_holders(
    connection: Connection,
    lake: Lake,
    today: date,
    product: str,
    script: str,
    channels: Sequence[str],
    hours: WorkTime | None = None,
) -> DrawdownCare:
    """Tell a product's holders why it fell, each once for a fall: the manager calls, else a message by the best way open.

    ``script`` names the approved explanation, ``channels`` those that it has a text for. Raises ``ConflictError`` where the
    product's net value did not fall by the policy's measure.
    """
    policy, clock = read_care(lake.folder).drawdown, hours or WorkTime(lake.zone)
    found = next((one for one in falls(lake, policy, today) if one.product_id == product), None)
    if found is None:
        raise errors.no_fall(product, f"{policy.fall_ppm / 10_000:g}")
    rows = holders(connection, lake, product)
    listed = set(_listed(connection, [row["customer_no"] for row in rows]))
    calls: list[dict[str, Any]] = []
    messages: dict[str, list[dict[str, Any]]] = {}
    untold: Counter[str] = Counter()
    for row in rows:
        way = "do_not_contact" if row["customer_no"] in listed else _way(row, channels)
        if way == CALL:
            calls.append(_drawdown_task(row, found, script, today))
        elif way in channels:
            messages.setdefault(way, []).append(row)
        else:
            untold[way] += 1
    made = _place(connection, calls, DRAWDOWN, clock)
    sent = {
        way: _send(connection, found, script, way, people, today, clock) for way, people in sorted(messages.items())
    }
    after = {"holders": len(rows), "tasks": made, "messages": sent, "untold": dict(untold), "fall_ppm": found.fall_ppm}
    record_audit(connection, "care.drawdown", "product", product, None, after)
    return DrawdownCare(product, len(rows), made, sent, dict(sorted(untold.items())))


def _by_customer(rows: Sequence[Maturing], policy: MaturityPolicy, today: date) -> dict[str, list[Maturing]]:
    """Return the maturities of each customer that lie within the step of the first day on which enough matures."""
    mine: dict[str, list[Maturing]] = {}
    for row in rows:
        mine.setdefault(row.customer_no, []).append(row)
    found = {}
    for number, all_of in mine.items():
        for days in sorted({one.days for one in policy.steps}):
            within = [one for one in all_of if (one.matures_on - today).days <= days]
            whole = sum(one.balance_fen for one in within)
            if within and policy.step_of((within[-1].matures_on - today).days, whole):
                found[number] = sorted(within, key=lambda one: (-one.value_fen, one.matures_on))
                break
    return found


def _silent(connection: Connection, numbers: Sequence[str], today: date, policy: MaturityPolicy) -> dict[str, str]:
    if not numbers:
        return {}
    shortest = min(one.days for one in policy.steps)
    since = date.fromordinal(today.toordinal() - shortest)
    with bank_wide(connection):
        name = copy_in(connection, pa.table({"customer_no": list(numbers)}))
        values = {"care": MATURITY, "since": since}
        touched = dict.fromkeys(connection.scalars(text(_IN_TOUCH.format(name=name)), values), "in_touch")
    return touched | dict.fromkeys(_listed(connection, numbers), "do_not_contact")


def _listed(connection: Connection, numbers: Sequence[str]) -> list[str]:
    if not numbers:
        return []
    found = permits(connection, pa.array(list(numbers), pa.string())).listed
    return [number for number, stop in zip(numbers, found, strict=True) if stop]


def _way(row: Mapping[str, Any], channels: Sequence[str]) -> str:
    """Return how a holder is told: by their manager, else in the app, else by text message."""
    if row["staff_id"]:
        return CALL
    open_ = (("app_push", row["push"]), ("sms", row["phone"]))
    return next((name for name, able in open_ if able and name in channels), "no_channel")


def _maturity_task(rows: Sequence[Maturing], policy: MaturityPolicy, today: date) -> dict[str, Any]:
    first = min(rows, key=lambda one: one.matures_on)
    step = policy.step_of((first.matures_on - today).days, sum(one.balance_fen for one in rows))
    key = [MATURITY, first.customer_no, first.matures_on.isoformat(), step.days if step else 0]
    return _task(care_id(key), first.customer_no, first.unit_id, today, MATURITY, sum(r.value_fen for r in rows), maturity_reason(rows[0], today))  # fmt: skip


def _drawdown_task(row: Mapping[str, Any], fall: Drawdown, script: str, today: date) -> dict[str, Any]:
    reason = drawdown_reason(fall.product_id, fall.fall_ppm, fall.since)
    return _task(
        telling_id(fall, row["customer_no"]), row["customer_no"], row["unit_id"], today, DRAWDOWN, 0, reason, script
    )


def _task(
    made: str, customer: str, unit: str, today: date, what: str, value: int, reason: str, script: str = ""
) -> dict[str, Any]:
    return {
        "decision_id": made, "campaign": what, "round": 0, "customer_no": customer, "unit_id": unit, "due_on": today,
        "action": what, "value_fen": value, "script_version": script, "reason": reason, "risk": 0, "licence": "",
        "kind": TaskKind.CARE.value, "list_id": None,
    }  # fmt: skip


def _place(connection: Connection, tasks: Sequence[Mapping[str, Any]], what: str, hours: WorkTime) -> int:
    """Ask for the calls as service and make their tasks, each once; return how many are new."""
    if not tasks:
        return 0
    wanted, made = {task["decision_id"]: task for task in tasks}, 0

    def give_out(connection: Connection, passed: Sequence[Intent]) -> None:
        nonlocal made
        rows = pa.Table.from_pylist([wanted[one.decision_id] for one in passed], task_schema())
        made = place_tasks(connection, rows, dict.fromkeys(rows["unit_id"].to_pylist(), NO_LIMIT), hours).created

    intents = [
        Intent(
            task["decision_id"], task["customer_no"], task["unit_id"], CALL, f"{task['action']}|none|{CALL}",
            task["due_on"], task["reason"], task["value_fen"], task["script_version"],
        )
        for task in tasks
    ]  # fmt: skip
    ask(connection, Asker(f"care:{what}", DecisionClass.SERVICE, what, hours.zone), intents, gate, give_out=give_out)
    with bank_wide(connection):
        send_down(connection, what)
    return made


def _send(
    connection: Connection,
    fall: Drawdown,
    script: str,
    channel: str,
    people: Sequence[Mapping[str, Any]],
    today: date,
    hours: WorkTime,
) -> int:
    """Ask for a channel's messages as service; return how many are new."""
    reason = drawdown_reason(fall.product_id, fall.fall_ppm, fall.since)
    intents = [
        Intent(
            telling_id(fall, one["customer_no"]), one["customer_no"], one["unit_id"], channel,
            f"{fall.product_id}|none|{channel}", today, reason, script=script,
        )
        for one in people
    ]  # fmt: skip
    programme = Asker(f"care:{DRAWDOWN}", DecisionClass.SERVICE, DRAWDOWN, hours.zone)
    return len(ask(connection, programme, intents, gate).passed)
