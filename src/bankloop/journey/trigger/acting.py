"""What a trigger does at an event, once: the firing's row, then its effects, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text, update
from sqlalchemy.dialects.postgresql import insert

from bankloop.contact.asking import Asker, DecisionClass, Intent, ask
from bankloop.customer.event import SeenEvent
from bankloop.journey.trigger import errors
from bankloop.journey.trigger.contracts import (
    ContactEffect,
    FiringState,
    NoticeEffect,
    TaskEffect,
    TriggerSpec,
    WhenKind,
)
from bankloop.journey.trigger.rules import held_back, open_from, reason_of
from bankloop.journey.trigger.selling import is_open, kept_from_selling
from bankloop.journey.trigger.tables import trigger_firing, trigger_notice
from bankloop.kit.clock import local_day
from bankloop.kit.errors import BankloopError
from bankloop.kit.holidays import is_statutory
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.kit.worktime import WorkTime
from bankloop.loop import reach
from bankloop.loop.bank import Bank
from bankloop.loop.offering.shelf import gate
from bankloop.loop.script import check_service, newest_approved
from bankloop.organization.people import keeper_of
from bankloop.organization.task import NewTask, TaskKind, open_task

_FIRED_NEAR = text(
    "SELECT occurred_at FROM trigger_firing WHERE name = :name AND customer_no = :customer AND event_key <> :key "
    "AND (state = 'fired' OR state = 'waiting' AND code <> 'trigger.absence') AND occurred_at BETWEEN :since AND :until"
)


_NO_REASON = Text("", "")


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a trigger is asked about: an event of a customer or a day, what is known of the customer, and by when."""

    key: str
    customer_no: str
    unit_id: str
    occurred_at: datetime
    accepted_at: datetime
    state: Mapping[str, Any]
    due_at: datetime | None = None

    @classmethod
    def of(cls, event: SeenEvent, state: Mapping[str, Any]) -> Occasion:
        """Return an event as it happened."""
        key = f"{event.source}/{event.event_id}"
        return cls(key, event.customer_no, event.unit_id, event.occurred_at, event.recorded_at, state)


@dataclass(frozen=True, slots=True)
class EffectReport:
    """What the effects came to: those made, or the code and sentence of what held all of them back."""

    effects: tuple[str, ...] = ()
    code: str = ""
    reason: Text = _NO_REASON


def fire(connection: Connection, bank: Bank, trigger: TriggerSpec, what: Occasion, now: datetime) -> bool:
    """Do what a trigger does at what happened, unless that is decided already; return whether it was decided here.

    The row is unique and made first: whoever comes second does nothing. An absence begins to wait, a contact in quiet
    hours waits for their end.
    """
    made = insert(trigger_firing).values(
        name=trigger.name,
        event_key=what.key,
        customer_no=what.customer_no,
        unit_id=what.unit_id,
        digest=trigger.digest,
        state=FiringState.WAITING,
        due_at=now,
        occurred_at=what.occurred_at,
        accepted_at=what.accepted_at,
    )
    if not connection.execute(made.on_conflict_do_nothing()).rowcount:
        return False
    if trigger.when.kind is WhenKind.ABSENCE:
        _set(
            connection,
            trigger.name,
            what,
            FiringState.WAITING,
            "trigger.absence",
            due=what.occurred_at + trigger.when.within,
        )
        return True
    settle(connection, bank, trigger, what, now)
    return True


def settle(connection: Connection, bank: Bank, trigger: TriggerSpec, what: Occasion, now: datetime) -> None:
    """Decide a firing that is this transaction's own: held back, put off until customers may be contacted, or done."""
    span = {"since": what.occurred_at - trigger.rest, "until": what.occurred_at + trigger.rest}
    asked = {"name": trigger.name, "customer": what.customer_no, "key": what.key, **span}
    code = held_back(trigger, what.occurred_at, now, list(connection.scalars(_FIRED_NEAR, asked)))
    if code:
        _set(connection, trigger.name, what, FiringState.SUPPRESSED, code, due=what.due_at)
        return
    opens = _opens(bank, now) if trigger.contacts else now
    if opens > now:
        _set(connection, trigger.name, what, FiringState.WAITING, "trigger.quiet_hours", due=opens)
        return
    done = _act(connection, bank, trigger, what, now)
    state = FiringState.FIRED if done.effects else FiringState.SUPPRESSED
    at = bank.store.clock.now() if done.effects else None
    _set(
        connection,
        trigger.name,
        what,
        state,
        done.code,
        reason=done.reason,
        effects=done.effects,
        fired_at=at,
        due=what.due_at,
    )


def end(connection: Connection, name: str, what: Occasion, code: str) -> None:
    """End a firing that waited: what was waited for came, or nobody lets the trigger act any more."""
    _set(connection, name, what, FiringState.OVER, code)


def _set(
    connection: Connection,
    name: str,
    what: Occasion,
    state: FiringState,
    code: str,
    *,
    reason: Text | None = None,
    effects: Sequence[str] = (),
    due: datetime | None = None,
    fired_at: datetime | None = None,
) -> None:
    said = reason if reason is not None and reason.zh else reason_of(code) if code else _NO_REASON
    connection.execute(
        update(trigger_firing)
        .where(
            trigger_firing.c.name == name,
            trigger_firing.c.event_key == what.key,
            trigger_firing.c.customer_no == what.customer_no,
        )
        .values(
            state=state,
            code=code,
            reason={"zh": said.zh, "en": said.en},
            effects=list(effects),
            due_at=due,
            fired_at=fired_at,
        )
    )


def _opens(bank: Bank, now: datetime) -> datetime:
    hours = bank.spec.policies.contact.quiet_hours
    local = now.astimezone(ZoneInfo(bank.lake.zone))
    return open_from(local, (hours.start, hours.end), lambda day: not is_statutory(day))


def _act(connection: Connection, bank: Bank, trigger: TriggerSpec, what: Occasion, now: datetime) -> EffectReport:
    """Make the effects, each by itself: one that is refused takes nothing from the others, and its reason is kept."""
    made: list[str] = []
    code, reason = "", _NO_REASON
    for effect in trigger.effects:
        try:
            with connection.begin_nested():
                match effect:
                    case ContactEffect():
                        done, refused = _contact(connection, bank, trigger, effect, what, now)
                    case TaskEffect():
                        done, refused = _task(connection, bank, trigger, effect, what, now), ""
                    case NoticeEffect():
                        done, refused = _notice(connection, trigger, effect, what), ""
        except BankloopError as error:
            code, reason = error.code, error.message
            continue
        if done:
            made.append(done)
        else:
            code, reason = refused, reason_of(refused)
    return EffectReport(tuple(made), code, reason)


def _contact(
    connection: Connection, bank: Bank, trigger: TriggerSpec, effect: ContactEffect, what: Occasion, now: datetime
) -> tuple[str, str]:
    """Ask the gate for one contact over the first channel that it lets pass; return it, or what refused the last."""
    version = newest_approved(bank.spec.scripts[effect.script])
    if version is None:
        raise errors.no_script(effect.script)
    if not effect.marketing:
        for channel in effect.channels:
            body = version.bodies[channel]
            if found := (*check_service(body.zh), *check_service(body.en)):
                raise errors.sells(effect.script, found[0].quoted)
    caps, capacities = reach.gate_limits(bank.spec.policies)
    kind = DecisionClass.MARKETING if effect.marketing else DecisionClass.SERVICE
    asker = Asker(f"journey:{trigger.name}", kind, f"trigger:{trigger.name}", bank.lake.zone)
    refused, today = "trigger.no_channel", local_day(now, bank.lake.zone)
    for channel in effect.channels:
        if not is_open(bank, channel, what.state, today):
            continue
        if effect.marketing and (
            kept := kept_from_selling(connection, bank, what.customer_no, channel, what.state, today)
        ):
            return "", kept
        number = str(UUID(digest([trigger.name, what.key, what.customer_no, channel])[:32]))
        wanted = Intent(
            number,
            what.customer_no,
            what.unit_id,
            channel,
            f"{trigger.name}|none|{channel}",
            today,
            trigger.name,
            0,
            f"{effect.script}@{version.version}",
            {"trigger": trigger.digest, "event": what.key},
        )
        asked = ask(connection, asker, [wanted], gate, caps, capacities)
        if asked.passed:
            return f"contact:{channel}:{number}", ""
        refused = next(iter(asked.refused), refused)
    return "", refused


def _task(
    connection: Connection, bank: Bank, trigger: TriggerSpec, effect: TaskEffect, what: Occasion, now: datetime
) -> str:
    """Open a task for whoever keeps the customer, or for the unit where nobody does."""
    row = next((row for row in keeper_of(connection, what.customer_no)), None)
    said = f"{effect.title.zh} / {effect.title.en}"
    unit, staff = (row.unit_id, row.staff_id) if row else (what.unit_id, None)
    due = WorkTime(bank.lake.zone).later(now, effect.within)
    asked = NewTask(
        f"trigger:{trigger.name}:{what.key}:{what.customer_no}",
        TaskKind.ALERT,
        what.customer_no,
        unit,
        said,
        now,
        max(due, now + timedelta(minutes=1)),
        staff,
    )
    return f"task:{open_task(connection, asked, bank.lake.zone).task_id}"


def _notice(connection: Connection, trigger: TriggerSpec, effect: NoticeEffect, what: Occasion) -> str:
    """Leave a notice for whoever has a role where the customer is kept."""
    row = {"name": trigger.name, "event_key": what.key, "customer_no": what.customer_no, "unit_id": what.unit_id}
    title = {"zh": effect.title.zh, "en": effect.title.en}
    connection.execute(insert(trigger_notice).values(**row, role=effect.role, title=title).on_conflict_do_nothing())
    return f"notice:{effect.role}"
