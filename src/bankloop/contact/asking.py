"""The one way to contact: whoever wants to reach people asks, and each contact is a decision before it is anything else.

In one transaction the decisions are written, the contacts reserved at the gate, screened, and queued as messages or given
out as tasks. A decision of a programme has no round and no cells: its ``campaign`` is the programme's key, its round 0, its
``lock_digest`` empty, and its placement says its class and its own id, so that no reading of a campaign takes it for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.contact.contracts import CONTACT_SCHEMA, DELIVERY_TOPIC, MARKETING, SERVICE, Cap, Capacity
from bankloop.contact.delivery import Screen
from bankloop.contact.gate import DEFAULT_ZONE, count_contact, reserve_contacts
from bankloop.kit.ids import canonical_json, digest
from bankloop.store.contracts import EVERY_UNIT, DecisionBatch
from bankloop.store.database import bank_wide, now_of
from bankloop.store.history import append_decisions
from bankloop.store.outbox import enqueue, enqueue_table

# A programme reaches everybody whom it means to: nobody is left out by lot.
EVERYBODY = "everybody"
BY_HAND = "contact:by_hand"
# What counts a contact that its product's place on the shelf holds back: the stop says which place.
SCREENED = "screen"
_CERTAIN = 1_000_000
_PART = 5_000
_NOON = time(12)


class DecisionClass(StrEnum):
    """Why somebody is contacted: to sell, to serve, or because a person did so."""

    MARKETING = MARKETING
    SERVICE = SERVICE
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the key of its decisions, their class, and the campaign that its contacts count under ('' for none).

    The key says room and name with a colon between them, as no campaign is named; ``ValueError`` for any other.
    """

    key: str
    kind: DecisionClass
    campaign: str
    zone: str = DEFAULT_ZONE

    def __post_init__(self) -> None:
        """Refuse a key that a campaign could have, whose readings would then count what is none of theirs."""
        if not all(self.key.partition(":")):
            raise ValueError(f"the key of a programme is ROOM:NAME, not {self.key!r}")


@dataclass(frozen=True, slots=True)
class Intent:
    """One contact that is wanted: of whom, over what, with which action, by which day, and why.

    ``decision_id`` is the same whenever the same is asked for again. ``read`` is what the decision was made of.
    """

    decision_id: str
    customer_no: str
    unit_id: str
    channel: str
    action: str
    due_on: date
    reason: str
    value_fen: int = 0
    script: str = ""
    read: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskedContacts:
    """What came of asking: the intents that newly passed, and how many were refused, by reason."""

    passed: tuple[Intent, ...]
    refused: Mapping[str, int]


GiveOut = Callable[[Connection, Sequence[Intent]], object]


def ask(
    connection: Connection,
    programme: Asker,
    intents: Sequence[Intent],
    screen: Screen,
    caps: Sequence[Cap] = (),
    capacities: Sequence[Capacity] = (),
    give_out: GiveOut | None = None,
) -> AskedContacts:
    """Decide contacts, reserve them, and queue what passes as messages, or hand it to ``give_out``, which makes tasks.

    For verbs, which judge who may ask; asked again, nothing is new. Bank-wide, as caps are. Raises what
    ``reserve_contacts`` does.
    """
    if not intents:
        return AskedContacts((), {})
    with bank_wide(connection):
        _decide(connection, programme, intents)
    # Each of these looks at the whole bank by itself, and leaves the view of who asks behind it.
    with bank_wide(connection):
        reserved = reserve_contacts(connection, _reservations(programme, intents), caps, capacities, programme.zone)
    outcomes = {row["decision_id"]: row for row in reserved.to_pylist()}
    refused = Counter(row["refused_by"] for row in outcomes.values() if not row["accepted"])
    fresh = [one for one in intents if outcomes[one.decision_id]["accepted"] and outcomes[one.decision_id]["new"]]
    with bank_wide(connection):
        allowed = {row["contact"] for row in screen(connection, [_contact(programme, one) for one in fresh])}
    passed = tuple(one for one in fresh if one.decision_id in allowed)
    if len(passed) < len(fresh):
        refused[SCREENED] += len(fresh) - len(passed)
    if passed:
        with bank_wide(connection):
            (give_out or _messages(programme))(connection, passed)
    return AskedContacts(passed, dict(refused))


def carry_out(
    connection: Connection,
    decided: pa.Table,
    give_out: Callable[[pa.Table], None],
    caps: Sequence[Cap] = (),
    capacities: Sequence[Capacity] = (),
    zone: str = DEFAULT_ZONE,
) -> dict[str, int]:
    """Reserve what a plan's stored decisions ask for, hand what passes to ``give_out``, and return what was refused, by reason.

    ``decided`` has the columns of ``CONTACT_SCHEMA`` and whatever ``give_out`` needs. A plan is many decisions, written in
    columns and with its own reasons; what was carried out before is handed over again, as parts and tasks are made once.
    """
    asked = decided.select(CONTACT_SCHEMA.names)
    outcome = reserve_contacts(connection, asked, caps, capacities, zone)
    accepted = outcome.filter(outcome["accepted"])["decision_id"].combine_chunks()
    give_out(decided.filter(pc.is_in(decided["decision_id"], accepted)))
    refused = outcome.filter(pc.invert(outcome["accepted"]))["refused_by"].value_counts().to_pylist()
    return {row["values"]: row["counts"] for row in refused}


def queue_parts(connection: Connection, parts: pa.Table) -> int:
    """Queue parts of a plan's contacts (the columns of ``OUTBOX_SCHEMA`` but its topic) and return how many are new."""
    topic = pa.array([DELIVERY_TOPIC] * parts.num_rows, pa.string())
    return enqueue_table(connection, parts.append_column("topic", topic))


def count_made(connection: Connection, intent: Intent, contact_class: str, at: datetime, zone: str) -> bool:
    """Keep a contact that a person made by hand: a decision of that person's, and the contact as it counts.

    It has been made, so nothing refuses it. What was decided before, as a task of a plan was, stays as it is; return
    whether the contact is new.
    """
    with bank_wide(connection):
        _decide(connection, Asker(BY_HAND, DecisionClass.HUMAN, "", zone), [intent])
        made_for = UUID(intent.decision_id)
        return count_contact(
            connection, made_for, intent.customer_no, intent.unit_id, intent.channel, contact_class, at, zone
        )


def _decide(connection: Connection, programme: Asker, intents: Sequence[Intent]) -> int:
    """Write the decisions and return how many are new."""
    now = now_of(connection)
    as_of = now.astimezone(ZoneInfo(programme.zone)).date()
    rows = [
        {
            "decision_id": one.decision_id,
            "campaign": programme.key,
            "round": 0,
            "customer_no": one.customer_no,
            "unit_id": one.unit_id,
            "placement": f"{programme.kind}/{one.decision_id}",
            "window_start": one.due_on,
            "window_end": one.due_on,
            "lock_digest": "",
            "as_of": as_of,
            "state_digest": "",
            "cell": EVERYBODY,
            "intended_action": one.action,
            "issued_action": one.action,
            "propensities": canonical_json({one.action: _CERTAIN}),
            "attributes": canonical_json(one.read),
            "value_fen": one.value_fen,
            "reasons": [one.reason],
            "recorded_at": now,
        }
        for one in intents
    ]
    return append_decisions(connection, DecisionBatch(pa.Table.from_pylist(rows, _COLUMNS)))


_COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("decision_id", "campaign")),
        ("round", pa.int32()),
        *((name, pa.string()) for name in ("customer_no", "unit_id", "placement")),
        ("window_start", pa.date32()),
        ("window_end", pa.date32()),
        ("lock_digest", pa.string()),
        ("as_of", pa.date32()),
        *((name, pa.string()) for name in ("state_digest", "cell", "intended_action", "issued_action")),
        *((name, pa.string()) for name in ("propensities", "attributes")),
        ("value_fen", pa.int64()),
        ("reasons", pa.list_(pa.string())),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
    ]
)


def _reservations(programme: Asker, intents: Sequence[Intent]) -> pa.Table:
    """Return what the gate is asked: each contact stands at noon of the day by which it is to be made."""
    zone = ZoneInfo(programme.zone)
    rows = [
        {
            "decision_id": one.decision_id,
            "customer_no": one.customer_no,
            "unit_id": one.unit_id,
            "channel": one.channel,
            "campaign": programme.campaign,
            "contact_class": programme.kind.value,
            "due_at": datetime.combine(one.due_on, _NOON, zone),
        }
        for one in intents
    ]
    return pa.Table.from_pylist(rows, CONTACT_SCHEMA)


def _contact(programme: Asker, one: Intent) -> dict[str, str]:
    return {
        "contact": one.decision_id,
        "campaign": programme.campaign,
        "customer_no": one.customer_no,
        "action": one.action,
        "script": one.script,
    }


def _messages(programme: Asker) -> GiveOut:
    """Return what queues contacts as messages: parts of one channel and day, each queued once."""

    def queue(connection: Connection, passed: Sequence[Intent]) -> None:
        ways: dict[tuple[str, str], list[dict[str, str]]] = {}
        for one in passed:
            ways.setdefault((one.channel, one.due_on.isoformat()), []).append(_contact(programme, one))
        for (channel, day), contacts in sorted(ways.items()):
            for at in range(0, len(contacts), _PART):
                body = {
                    "channel": channel,
                    "due_on": day,
                    "campaign": programme.campaign,
                    "class": programme.kind.value,
                    "contacts": contacts[at : at + _PART],
                }
                key = f"{programme.key}/{channel}/{day}/{digest(body)[:16]}"
                enqueue(connection, DELIVERY_TOPIC, key, EVERY_UNIT, body)

    return queue
