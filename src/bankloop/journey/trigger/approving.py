"""How a trigger comes into force: submitted as it is written, consented to, and acting from then on until stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from bankloop.journey.trigger import errors
from bankloop.journey.trigger.contracts import Firing, Rehearsal, TriggerSpec, WhenKind
from bankloop.journey.trigger.queries import firings_of
from bankloop.journey.trigger.service import handle_events, state_of, triggers_of
from bankloop.journey.trigger.tables import trigger_rule
from bankloop.kit.clock import local_day
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.limits import limits_of
from bankloop.organization.approval import Approval, Demand, Effects, have_effect, submit_approval
from bankloop.organization.principals import system
from bankloop.organization.rights import require
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.history import read_events
from bankloop.store.verbs import verb

KIND = "trigger"
# A rehearsal holds the customers that it looks at until it is over: no more than so many events.
MOST_EVENTS = 2_000


@verb("trigger.submit")
def submit_trigger(bank: Bank, maker: Principal, name: str, reason: str = "") -> UUID:
    """Ask that a trigger as it is written now come into force; raise ``NotFoundError`` for one not in the file."""
    one = trigger_named(triggers_of(bank), name)
    demand = Demand(limits=limits_of(bank.spec.policies, start_days=0))
    with bank.store.begin(maker) as connection:
        made: UUID = submit_approval(
            connection, KIND, name, one.digest, demand=demand, content=_plain(one), reason=reason
        )
        record_audit(connection, "trigger.submit", KIND, name, None, {"digest": one.digest}, reason)
    return made


@verb("trigger.stop")
def stop_trigger(connection: Connection, name: str, reason: str) -> None:
    """Let a trigger act no more, at once; what waits of it ends. Raises ``NotFoundError`` where none is in force."""
    require(principal_of(connection), "trigger.stop")
    found = connection.execute(
        update(trigger_rule)
        .where(trigger_rule.c.name == name, trigger_rule.c.stopped_at.is_(None))
        .values(stopped_at=func.bankloop_now(), reason=reason)
    )
    if not found.rowcount:
        raise errors.unknown_trigger(name, ())
    record_audit(connection, "trigger.stop", KIND, name, None, {"stopped": True}, reason)


def standing_of_triggers(connection: Connection, written: dict[str, TriggerSpec]) -> dict[str, str]:
    """Return how each stands: in force, changed (the one approved acts), stopped, or a draft."""
    found = dict.fromkeys(written, "draft")
    for name, digest, stopped in connection.execute(
        select(trigger_rule.c.name, trigger_rule.c.digest, trigger_rule.c.stopped_at)
    ):
        same = name in written and written[name].digest == digest
        found[name] = "stopped" if stopped is not None else "in_force" if same else "changed"
    return found


def trigger_named(written: dict[str, TriggerSpec], name: str) -> TriggerSpec:
    """Return a trigger of the file; raise ``NotFoundError`` with the nearest name."""
    if name not in written:
        raise errors.unknown_trigger(name, written)
    return written[name]


class _OverError(Exception):
    """Ends a rehearsal: all that it did is taken back."""


@verb("trigger.test")
def rehearse_trigger(bank: Bank, who: Principal, name: str, days: int) -> Rehearsal:
    """Return what a trigger as it is written would have done with the stored events of the last days.

    It acts, through the gate and everything else, in a transaction that is taken back: nothing stays of it.
    """
    require(who, "trigger.test")
    one = trigger_named(triggers_of(bank), name)
    looked = 0
    firings: tuple[Firing, ...] = ()
    try:
        with bank.store.begin(system("rehearsal")) as connection, bank_wide(connection):
            today = local_day(now_of(connection), bank.lake.zone)
            table = read_events(connection, one.when.events, today - timedelta(days=days), today)
            rows = table.slice(max(table.num_rows - MOST_EVENTS, 0)).to_pylist()
            looked = len(rows)
            # Under a name that no trigger can have: what it did in earnest neither counts nor is in its way.
            tried = TriggerSpec(
                f"?{name}", one.title, one.when, one.effects, one.rest, one.fresh, one.content, one.digest
            )
            for customer in sorted({row["customer_no"] for row in rows}):
                mine = [row for row in rows if row["customer_no"] == customer]
                handle_events(
                    bank,
                    connection,
                    [tried],
                    customer,
                    {(row["source"], row["event_id"]) for row in mine},
                    min(row["occurred_at"] for row in mine),
                    state_of(bank, connection, customer),
                    at_the_time=True,
                )
            firings = tuple(firings_of(connection, tried.name, most=MOST_EVENTS))
            raise _OverError
    except _OverError:
        return Rehearsal(name, looked, firings)


def put_in_force(connection: Connection, found: Approval) -> None:
    """Let a trigger act as it was approved, from this transaction on."""
    content: Any = found.content or {}
    row = {
        "name": found.object_id,
        "digest": found.digest,
        "content": content["trigger"],
        "reads": content["reads"],
        "stopped_at": None,
        "reason": "",
    }
    statement = insert(trigger_rule).values(**row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={**row, "since": func.bankloop_now()})
    )


def _plain(one: TriggerSpec) -> dict[str, Any]:
    reads = () if one.when.kind is WhenKind.DAY else one.when.reads
    return {"trigger": dict(one.content), "reads": list(reads)}


have_effect(KIND, Effects(Text("触发器开始工作", "the trigger begins to act"), granted=put_in_force))
