"""What the simulated people do about a campaign's round, recorded as the events that a bank would see of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.contact.queries import accepted_contacts, accepted_days
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.organization.principals import system
from bankloop.simulate.contracts import Response
from bankloop.simulate.world import World
from bankloop.store.history import append_events, read_decisions

# What the staff's own notes tell of a call, where the staff keeps notes.
STAFF_EVENTS = ("call_connected", "task_done")
_WHO = system("people")
_DATED = ("contacted_on", "delivered", "opened", "clicked", "connected", "unsubscribed", "complained")


def answer_round(bank: Bank, world: World, name: str, round_: int, start: date, *, noted: bool = False) -> Response:
    """What the campaign's customers did, contacted or not, as if all were contacted on the first day; recorded at once.

    Where the staff notes its calls itself (``noted``), the people leave no trace of those.
    """
    with bank.store.begin(_WHO) as connection:
        decided = read_decisions(connection, [name], round_, columns=evaluation.DECISION_COLUMNS)
        reached = accepted_contacts(connection, name)
    went = pc.is_in(decided["decision_id"], reached)
    issued = pc.if_else(went, pc.fill_null(decided["issued_action"], ""), "")
    response = world.respond(name, round_, start, decided["customer_no"], issued)
    _record(bank, decided, _unnoted(response.events) if noted else response.events)
    return response


def answer_day(
    bank: Bank, world: World, name: str, round_: int, start: date, end: date, day: date, *, kept: bool
) -> Response:
    """What a campaign's customers do on one day of a window, each contacted on their own; recorded where ``kept``.

    ``world`` is that of the day before the window. The table holds everybody whom the round is about, and of what
    they do
    only that day: the same day always is the same.
    """
    with bank.store.begin(_WHO) as connection:
        decided = read_decisions(connection, [name], round_, columns=evaluation.DECISION_COLUMNS)
        days = accepted_days(connection, name)
    place = pc.index_in(decided["decision_id"], days["decision_id"].combine_chunks())
    due = days["due_day"].take(place)
    issued = pc.if_else(pc.is_valid(place), pc.fill_null(decided["issued_action"], ""), "")
    began = pc.fill_null(due, pa.scalar(start)).to_numpy().astype("datetime64[D]")
    response = world.respond(name, round_, began, decided["customer_no"], issued, until=end)
    today = on_day(response, day, bank.lake.zone)
    if kept:
        _record(bank, decided, _unnoted(today.events))
    return today


def on_day(response: Response, day: date, zone: str) -> Response:
    """Return of a response what happened on one of the bank's days."""
    table, events = response.table, response.events
    here = pc.equal(_local(events["occurred_at"], zone), pa.scalar(day))
    then = pc.fill_null(pc.equal(table["contacted_on"], pa.scalar(day)), False)
    for name in _DATED:
        column = table[name]
        nothing = pa.scalar(None if name == "contacted_on" else False, column.type)
        table = table.set_column(table.schema.get_field_index(name), name, pc.if_else(then, column, nothing))
    met = pc.fill_null(pc.equal(_local(table["success_at"], zone), pa.scalar(day)), False)
    noon = pa.scalar(np.datetime64(day, "us").astype(object), table["success_at"].type)
    moments = pc.if_else(met, noon, pa.scalar(None, table["success_at"].type))
    for name, column in (("success", met), ("success_at", moments)):
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return replace(response, table=table, events=events.filter(here))


def _unnoted(events: pa.Table) -> pa.Table:
    return events.filter(pc.invert(pc.is_in(events["type"], pa.array(STAFF_EVENTS))))


def _local(moments: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """Return the bank's day of moments."""
    return moments.cast(pa.timestamp("us", zone)).cast(pa.date32())


def _record(bank: Bank, decided: pa.Table, events: pa.Table) -> None:
    place = pc.index_in(events["customer_no"], decided["customer_no"].combine_chunks())
    told = events.append_column("unit_id", decided["unit_id"].take(place))
    told = told.append_column("occurred_on", _local(events["occurred_at"], bank.lake.zone))
    with bank.store.begin(_WHO) as connection:
        append_events(connection, told)
