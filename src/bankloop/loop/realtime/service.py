"""Who is here now: what is shown to them, decided once for a window, and reserved before it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
from sqlalchemy import Connection

from bankloop.benefit.grants import BUDGET, STOCK, pool_of
from bankloop.contact.declined import declined_asked
from bankloop.contact.queries import contact_days
from bankloop.contact.refusals import say_refusal
from bankloop.customer.consent import ANY_CHANNEL, may_contact, words_asked
from bankloop.kit.text import Text
from bankloop.loop import audience, reach
from bankloop.loop.realtime import errors
from bankloop.loop.realtime.answering import NO_ROOM, LiveCase, answer_again, answer_flagged, answer_for
from bankloop.loop.realtime.contracts import NOTHING, RANKING, LiveAnswer
from bankloop.loop.realtime.desk import Counter, DecisionDesk, OpenWindow
from bankloop.loop.realtime.recording import decisions_for, reserve
from bankloop.loop.realtime.weighing import Weighed, weigh
from bankloop.loop.spec import NO_BENEFIT, Channel
from bankloop.organization.principals import system
from bankloop.organization.rights import check_named, open_customer
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_LINE, EVERY_UNIT, DecisionBatch, Principal
from bankloop.store.database import now_of
from bankloop.store.history import append_decisions
from bankloop.store.lineage import windows_asked
from bankloop.store.questions import Question, ask_all
from bankloop.store.schemas import DECISION_SCHEMA
from bankloop.store.verbs import verb

# One answer at a time for a customer: who asks twice at once gets one decision.
_ALONE = b"SELECT pg_advisory_xact_lock(hashtextextended('realtime:' || %(number)s, 0))"


@verb("decision.make")
def decide_live(desk: DecisionDesk, principal: Principal, customer_no: str, slot: str) -> LiveAnswer:
    """Decide what a slot shows to a customer whom the principal may see, reserve what it takes, and answer.

    Within a window the answer stands: asked again, it is returned, unless the customer's word or a refusal has come
    between. Raises ``NotFoundError`` for a customer, and ``InputError`` for a channel that is no slot.
    """
    channel, counter = slot_of(desk, slot), desk.counter()
    if not _sees_everybody(principal):
        with desk.bank.store.begin(principal) as connection:
            check_named(connection, customer_no=customer_no)
    with desk.bank.store.begin(system("realtime")) as connection:
        if counter.row(counter.lead_of(customer_no)) is None:
            check_named(connection, customer_no=customer_no)
        case = _case(connection, counter, customer_no, slot, desk.bank.lake.zone)
        if isinstance(case, LiveAnswer):
            return case
        if case.flagged:
            return answer_flagged(case, _weighed(connection, case))
        if earlier := case.earlier():
            return answer_again(connection, case, earlier)
        return _stored(connection, case, _weighed(connection, case), channel, principal)


def rank_live(desk: DecisionDesk, principal: Principal, customer_no: str, slot: str) -> LiveAnswer:
    """Return what would be shown now, with everything ranked and why; nothing is decided, reserved or counted.

    Looking at a customer leaves its row, as opening one does. ``slot`` may be '': then what the plan itself would
    choose for the customer at its prices over its own channels.
    """
    if slot:
        slot_of(desk, slot)
    open_customer(desk.bank.store, desk.bank.lake, principal, customer_no)
    counter = desk.counter()
    with desk.bank.store.begin(system("realtime")) as connection:
        case = _case(connection, counter, customer_no, slot, desk.bank.lake.zone)
        if isinstance(case, LiveAnswer):
            return case
        if case.flagged:
            return answer_flagged(case, _weighed(connection, case))
        if earlier := case.earlier():
            return answer_again(connection, case, earlier)
        return answer_for(case, _weighed(connection, case))


def slot_of(desk: DecisionDesk, slot: str) -> Channel:
    """Return a slot's channel; raise ``InputError`` with the nearest one for what is none."""
    channels = desk.bank.spec.policies.channels
    channel = channels.get(slot)
    if channel is None or not channel.is_slot:
        raise errors.no_slot(slot, [name for name, one in channels.items() if one.is_slot])
    return channel


def _sees_everybody(principal: Principal) -> bool:
    narrowed = principal.book or principal.tasks or EVERY_LINE not in principal.lines
    return EVERY_UNIT in principal.units and not narrowed


def _case(connection: Connection, counter: Counter, customer_no: str, slot: str, zone: str) -> LiveCase | LiveAnswer:
    """Return the case, or the answer where nothing is shown whatever the plan says; what it reads is one trip."""
    number = counter.lead_of(customer_no)

    def silent(code: str, why: Text | None = None) -> LiveAnswer:
        return LiveAnswer(number, slot, code, NOTHING[code].filled(why=why))

    if not counter.windows:
        return silent("no_window")
    numbers = counter.numbers_of(customer_no)
    _, words, declined, decided = ask_all(
        connection,
        Question(_ALONE, lambda rows: None, {"number": number}),
        words_asked(numbers),
        declined_asked(numbers, now_of(connection)),
        windows_asked(number, counter.starts, RANKING),
    )
    ruling = may_contact(words, slot or ANY_CHANNEL)
    if slot and not ruling.allowed:
        return silent("consent", ruling.reason)
    row = counter.row(number)
    if row is None:
        return silent("unknown")
    row = audience.as_allowed(row, words)
    left_out = counter.exclusions.left_out(row)
    if left_out and left_out != audience.UNTOLD:
        return silent("excluded", audience.words_of(left_out))
    days = contact_days(connection, [one["decision_id"] for one in decided if one["issued_action"]])
    quiet = declined if slot else frozenset()
    return LiveCase(counter, number, row, slot, zone, tuple(decided), quiet, days, flagged=bool(left_out))


def _weighed(connection: Connection, case: LiveCase) -> tuple[Weighed, ...]:
    counter = case.counter
    return tuple(
        weigh(counter, one, case.row, case.number, case.slot, case.planned(one), case.declined, left)
        for one in counter.windows
        for left in [_left(connection, one, case.slot)]
    )


def _left(connection: Connection, window: OpenWindow, slot: str) -> dict[str, float]:
    """Return what is left of the budgets and stocks that a slot's benefits take from, by the names of the plan."""
    left: dict[str, float] = {}
    for name, lock in window.locks.items():
        given = {one.benefit for one in window.valuers[name].actions if one.channel == slot} - {NO_BENEFIT}
        if given and lock.campaign.reach.budget is not None:
            pool = pool_of(connection, BUDGET, reach.budget_of(name, window.round))
            left[f"budget:{name}"] = float(pool.left if pool.approved else lock.campaign.reach.budget)
        for benefit in given:
            stock = pool_of(connection, STOCK, benefit)
            limit = next(one.stock for one in lock.benefits if one.key == benefit)
            left[f"stock:{benefit}"] = float(stock.left if stock.approved else limit)
    return left


def _stored(
    connection: Connection, case: LiveCase, weighed: Sequence[Weighed], channel: Channel, principal: Principal
) -> LiveAnswer:
    """Write the decisions down, reserve what was chosen, and return the answer."""
    answer = answer_for(case, weighed)
    rows = decisions_for(connection, case, weighed, answer)
    if not rows:
        return answer
    append_decisions(connection, DecisionBatch(pa.Table.from_pylist(rows, DECISION_SCHEMA)))
    own = next((row for row in rows if row["issued_action"]), None)
    named = own["decision_id"] if own else rows[0]["decision_id"]
    if own is not None:
        window = next(one.window for one in weighed if one.chosen == f"{answer.campaign}|{answer.action}")
        refused = reserve(connection, case, window, own, channel)
        answer = replace(answer, decision_id=own["decision_id"])
        if refused:
            code = "no_room" if refused == NO_ROOM else "refused"
            said = NOTHING[code].filled(why=say_refusal(refused))
            answer = LiveAnswer(case.number, case.slot, code, said, ranked=answer.ranked)
    after = {"slot": case.slot, "code": answer.code, "campaign": answer.campaign, "action": answer.action}
    record_audit(connection, "decision.make", "decision", named, None, {**after, "asked_by": principal.id})
    return answer
