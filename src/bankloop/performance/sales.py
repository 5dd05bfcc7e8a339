"""Sales that credit themselves (业绩自动归属): the goal's event of a campaign, after somebody spoke with the customer about it.

A contact counts where a person logged it and the customer did not decline. Its sale is the first event of the campaign's
goal that follows within the goal's days; several people whose contacts led to the same event share it evenly, each shown by
their own task. Who recorded the sale by hand has decided how it is shared: that stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.kit.clock import local_day, local_moment
from bankloop.kit.money import MAX_FEN
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake
from bankloop.loop.bank import Bank
from bankloop.loop.spec import read_lock
from bankloop.performance.credit import deals_since, even_shares, record_deal
from bankloop.store.copying import copy_in
from bankloop.store.database import bank_wide, now_of
from bankloop.store.registry import list_campaigns
from bankloop.store.registry import read_lock as stored_lock

# A source's file may arrive a week after what it tells of.
LATE = timedelta(days=7)
# Outcomes after which a sale is the contact's: the customer was reached and did not say no.
BROUGHT = ("sold", "interested", "considering", "done")
# Whoever closes a sale on the telephone writes it down afterwards: its event may lie before the note, on the same day.
_SOLD = "sold"
_OWN = "event/"
_MOMENT = pa.timestamp("us", tz="UTC")
# The note's own person, where they are still known here and had the task; a bot's note is nobody's sale.
_TALKS = text(
    "SELECT e.task_id, e.person, e.outcome, e.happened_at, t.campaign, t.customer_no, t.unit_id, t.action, p.line "
    "FROM task_event e JOIN staff_task t USING (task_id) JOIN staff s ON s.staff_id = e.person AND t.staff_id = e.person "
    "LEFT JOIN staff_post p ON p.staff_id = e.person AND p.valid_from <= bankloop_now() "
    "AND (p.valid_to IS NULL OR p.valid_to > bankloop_now()) "
    "WHERE e.act = 'logged' AND e.human AND e.outcome = ANY (:brought) AND t.campaign = ANY (:campaigns) "
    "AND e.happened_at >= :since AND e.happened_at <= :now ORDER BY e.happened_at, e.event_id"
)
_STORED = (
    "SELECT e.source, e.event_id, e.customer_no, e.type, e.occurred_at, e.amount_fen FROM {name} n "
    "JOIN event e USING (customer_no) WHERE e.type = ANY (:types) AND e.occurred_at >= :since AND e.occurred_at <= :now"
)
_LOADED = (
    "SELECT e.source, e.event_id, e.customer_no, e.type, e.occurred_at, e.amount_fen FROM event e "
    "SEMI JOIN spoken USING (customer_no) WHERE list_contains($types, e.type) AND e.occurred_at BETWEEN $since AND $now"
)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a campaign wants to happen, and within how many days after a contact."""

    event: str
    within: int


@dataclass(frozen=True, slots=True)
class Talk:
    """A contact that a person logged on their own task: when, with whom, about which campaign's product."""

    task_id: UUID
    person: str
    line: str
    outcome: str
    happened_at: datetime
    campaign: str
    customer_no: str
    unit_id: str
    product: str


@dataclass(frozen=True, slots=True)
class Happening:
    """A product's event of a customer, by the source's own number."""

    key: str
    customer_no: str
    type: str
    occurred_at: datetime
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Sale:
    """An event and the contacts that led to it, one a person, the first first."""

    event: Happening
    talks: tuple[Talk, ...]


@dataclass(frozen=True, slots=True)
class Credits:
    """What a round of credit did: sales recorded now, those of others that one's contact came too late for, shared by hand."""

    recorded: int
    known: int
    by_hand: int


def credit_sales(bank: Bank, connection: Connection, today: date) -> Credits:
    """Record the credit of the sales that followed contacts, in the name of who acts, each once; see ``record_sales``."""
    return record_sales(connection, bank.lake, aims_in_force(connection), today)


def record_sales(connection: Connection, lake: Lake, aims: Mapping[str, Aim], today: date) -> Credits:
    """Record a deal for every event that the aims by campaign call a sale, shared evenly over who brought it.

    Nothing is recorded twice: not an event, not a second sale of one task, and nothing where a share was given by hand to a
    task behind it, or of a deal with the customer on that day. Who may not record credit is refused by the database.
    """
    if not aims:
        return Credits(0, 0, 0)
    longest = timedelta(days=max(aim.within for aim in aims.values()))
    since = local_moment(today, 0, 0, lake.zone) - longest - LATE
    # Two that run at once would both find the same sale new.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('credit_sales'))"))
    with bank_wide(connection):
        talks = _talks(connection, sorted(aims), since)
        events = _happened(connection, lake, talks, sorted({aim.event for aim in aims.values()}), since)
        deals = deals_since(connection, local_day(since, lake.zone))
    own = [(deal, tasks) for deal, tasks in deals if deal.source_key.startswith(_OWN)]
    given = [(deal, tasks) for deal, tasks in deals if not deal.source_key.startswith(_OWN)]
    keys, credited = {deal.source_key for deal, _ in own}, {task for _, tasks in own for task in tasks}
    by_hand = {task for _, tasks in given for task in tasks}
    days = {(deal.customer_no, deal.happened_on) for deal, _ in given}
    recorded = hands = known = 0
    for sale in sales_of([one for one in talks if one.task_id not in credited], events, aims, lake.zone):
        day = local_day(sale.event.occurred_at, lake.zone)
        if sale.event.key in keys:
            known += 1
        elif (sale.event.customer_no, day) in days or any(talk.task_id in by_hand for talk in sale.talks):
            hands += 1
        else:
            _record(connection, sale, day)
            recorded += 1
    return Credits(recorded, known, hands)


def sales_of(
    talks: Iterable[Talk], events: Iterable[Happening], aims: Mapping[str, Aim], zone: str
) -> tuple[Sale, ...]:
    """Return the sales, by time: each task's first event of its campaign's aim that follows a talk within its days.

    A person who spoke twice counts once, by the first contact.
    """
    mine: dict[tuple[str, str], list[Happening]] = defaultdict(list)
    for event in sorted(events, key=lambda one: (one.occurred_at, one.key)):
        mine[event.customer_no, event.type].append(event)
    led: dict[Happening, dict[str, Talk]] = {}
    over: set[UUID] = set()
    for talk in sorted(talks, key=lambda one: (one.happened_at, one.task_id)):
        aim = aims[talk.campaign]
        after = (event for event in mine[talk.customer_no, aim.event] if follows(talk, event, aim.within, zone))
        if talk.task_id not in over and (first := next(after, None)) is not None:
            over.add(talk.task_id)
            led.setdefault(first, {}).setdefault(talk.person, talk)
    order = sorted(led, key=lambda one: (one.occurred_at, one.key))
    return tuple(Sale(event, tuple(led[event].values())) for event in order)


def follows(talk: Talk, event: Happening, within: int, zone: str) -> bool:
    """Return whether an event is after a contact and within its bank-local days; of a sale noted, also before it that day."""
    gone = (local_day(event.occurred_at, zone) - local_day(talk.happened_at, zone)).days
    return 0 <= gone < within and (event.occurred_at > talk.happened_at or (talk.outcome == _SOLD and gone == 0))


def aims_in_force(connection: Connection) -> dict[str, Aim]:
    """Return by campaign what its lock aims at."""
    found = {}
    for row in list_campaigns(connection):
        if row.lock_digest:
            goal = read_lock(stored_lock(connection, row.lock_digest)).campaign.goal
            found[row.name] = Aim(goal.event, goal.within)
    return found


def _record(connection: Connection, sale: Sale, day: date) -> None:
    event, first = sale.event, sale.talks[0]
    record_deal(
        connection, event.key, event.customer_no, first.unit_id, first.product or event.type, event.amount_fen, day,
        even_shares([(talk.person, talk.line, talk.task_id) for talk in sale.talks]), first.task_id,
    )  # fmt: skip


def _talks(connection: Connection, campaigns: Sequence[str], since: datetime) -> list[Talk]:
    values = {"brought": list(BROUGHT), "campaigns": list(campaigns), "since": since, "now": now_of(connection)}
    return [
        Talk(
            row["task_id"], row["person"], row["line"] or "", row["outcome"], row["happened_at"], row["campaign"],
            row["customer_no"], row["unit_id"], row["action"].partition("|")[0],
        )
        for row in connection.execute(_TALKS, values).mappings()
    ]  # fmt: skip


def _happened(
    connection: Connection, lake: Lake, talks: Sequence[Talk], types: Sequence[str], since: datetime
) -> list[Happening]:
    """Return what the customers of these contacts did, of the store and of the lake; the same event of both is one."""
    if not talks:
        return []
    spoken = pa.table({"customer_no": pa.array(sorted({talk.customer_no for talk in talks}), pa.string())})
    values: dict[str, Any] = {"types": list(types), "since": since, "now": now_of(connection)}
    name = copy_in(connection, spoken)
    rows = [tuple(row) for row in connection.execute(text(_STORED.format(name=name)), values)]
    with lake.connection(Scope.whole_bank("credit")) as engine:
        engine.register("spoken", spoken)
        found = engine.sql(_LOADED, params=values).to_arrow_table()
    found = found.set_column(4, "occurred_at", found["occurred_at"].cast(_MOMENT))
    rows += [tuple(row.values()) for row in found.to_pylist()]
    once = {(row[0], row[1]): row for row in rows}
    return [
        Happening(f"{_OWN}{source}/{number}", customer, kind, at.astimezone(UTC), min(max(fen or 0, 0), MAX_FEN))
        for source, number, customer, kind, at, fen in once.values()
    ]
