"""The contact gate: one reservation of a batch of contacts, bank-wide, under which no cap can be broken.

Whoever reserves first locks the customers, in the order of their numbers, then the day's capacities, in theirs; so two
gates never wait for each other in a circle, and never count at the same time. One call a transaction keeps that order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.contact.contracts import CONTACT_OUTCOME_SCHEMA, CONTACT_SCHEMA, Cap, Capacity
from bankloop.contact.declined import declined_offers
from bankloop.contact.rules import Made, Wanted, bearing, decide
from bankloop.customer.consent import refused_contacts
from bankloop.customer.identity import joined_person, lock_people, people_of
from bankloop.kit.text import Text
from bankloop.store.contracts import EVERY_UNIT
from bankloop.store.copying import copy_in, copy_out, fitted
from bankloop.store.database import bank_wide, principal_of
from bankloop.store.errors import denied

DEFAULT_ZONE = "Asia/Shanghai"


def reserve_contacts(
    connection: Connection,
    table: pa.Table,
    caps: Sequence[Cap],
    capacities: Sequence[Capacity] = (),
    zone: str = DEFAULT_ZONE,
) -> pa.Table:
    """Reserve contacts (``CONTACT_SCHEMA``) in due order and return each one's outcome (``CONTACT_OUTCOME_SCHEMA``).

    A marketing contact is refused where the customer's consent does not stand now, or a stop does; else any contact by
    the first cap or capacity that it would break, over all contacts of the person under whichever of their numbers,
    whatever campaign, unit or day they were reserved for. A decision asked for again gets its first outcome. Days are days of ``zone``. Raises
    ``DeniedError`` for a unit outside of the principal's.
    """
    rows = fitted("contacts", table, CONTACT_SCHEMA, {})
    _check_units(connection, rows)
    if not rows.num_rows:
        return CONTACT_OUTCOME_SCHEMA.empty_table()
    name = copy_in(connection, rows)
    with bank_wide(connection):
        lock_people(connection, name)
        wanted = list(_wanted(connection, name, zone))
        used = _lock_capacities(connection, wanted, capacities)
        silent, declined = refused_contacts(connection, name), declined_offers(connection, name)
        outcomes = decide(wanted, _made(connection, name), caps, capacities, used, silent, declined)
        _store(connection, name, outcomes, zone)
        _count_use(connection, wanted, outcomes, capacities)
        return _outcomes(connection, name, outcomes)


def count_contact(
    connection: Connection,
    made_for: UUID,
    customer_no: str,
    unit_id: str,
    channel: str,
    contact_class: str,
    at: datetime,
    zone: str,
) -> bool:
    """Count a contact that somebody made by hand, once for what it was made for; return whether it is new.

    It has been made: nothing refuses it, and caps count it for whatever is asked later. What was reserved for the same
    task already counts on its own day.
    """
    found = connection.execute(
        text(
            "INSERT INTO contact (decision_id, customer_no, unit_id, channel, campaign, contact_class, due_at, due_day, accepted,"
            " refused_by) VALUES (:id, :customer, :unit, :channel, '', :class, :at, (CAST(:at AS timestamptz) AT TIME ZONE :zone)::date,"
            " true, '') ON CONFLICT DO NOTHING"
        ),
        {
            "id": made_for, "customer": customer_no, "unit": unit_id, "channel": channel, "class": contact_class, "at": at,
            "zone": zone,
        },
    )  # fmt: skip
    return found.rowcount == 1


def _check_units(connection: Connection, rows: pa.Table) -> None:
    principal = principal_of(connection)
    if EVERY_UNIT in principal.units:
        return
    foreign = set(rows.column("unit_id").unique().to_pylist()) - set(principal.units)
    if foreign:
        named = ", ".join(sorted(foreign))
        raise denied(principal.id, Text(f"机构 {named}", f"units {named}"))


def _wanted(connection: Connection, name: str, zone: str) -> Iterator[Wanted]:
    """Yield what has no outcome yet, in due order."""
    rows = connection.execute(
        text(
            f"SELECT DISTINCT ON (due_at, decision_id) decision_id, i.customer_no, unit_id, channel, contact_class, "
            f"(due_at AT TIME ZONE :zone)::date, coalesce(p.party_no, i.customer_no), i.campaign FROM {name} i "
            f"{joined_person('i')} WHERE "
            "(SELECT true FROM contact c WHERE c.decision_id = i.decision_id::uuid LIMIT 1) IS NULL "
            "ORDER BY due_at, decision_id"
        ),
        {"zone": zone},
    )
    for row in rows:
        yield Wanted(*row)


def _made(connection: Connection, name: str) -> dict[str, list[Made]]:
    """Return the contacts made of each person, under whichever of their numbers."""
    made: dict[str, list[Made]] = defaultdict(list)
    rows = connection.execute(
        text(
            f"{people_of(name)} SELECT coalesce(p.party_no, c.customer_no), channel, contact_class, due_day, campaign FROM contact c "
            f"{joined_person('c')} "
            "WHERE accepted AND c.customer_no IN (SELECT customer_no FROM numbers)"
        )
    )
    for person, *one in rows:
        made[person].append(Made(*one))
    return made


def _lock_capacities(
    connection: Connection, wanted: Sequence[Wanted], capacities: Sequence[Capacity]
) -> dict[tuple[str, str, date], int]:
    kinds = {(want.channel, want.unit_id, want.day): want for want in wanted}.values()
    keys = sorted({(c.channel, c.unit_id, want.day) for want in kinds for c in bearing(want, capacities)})
    if not keys:
        return {}
    values = {"c": [k[0] for k in keys], "u": [k[1] for k in keys], "d": [k[2] for k in keys]}
    these = "unnest(CAST(:c AS text[]), CAST(:u AS text[]), CAST(:d AS date[])) AS k (channel, unit_id, day)"
    connection.execute(
        text(
            f"INSERT INTO capacity_use SELECT channel, unit_id, day, 0 FROM {these} ORDER BY 1, 2, 3 "
            "ON CONFLICT DO NOTHING"
        ),
        values,
    )
    rows = connection.execute(
        text(
            f"SELECT channel, unit_id, day, used FROM capacity_use JOIN {these} USING (channel, unit_id, day) "
            "ORDER BY channel, unit_id, day FOR UPDATE OF capacity_use"
        ),
        values,
    )
    return {(channel, unit, day): used for channel, unit, day, used in rows}


def _store(connection: Connection, name: str, outcomes: Mapping[str, str], zone: str) -> None:
    decided = pa.table({"id": pa.array(outcomes.keys(), pa.string()), "by": pa.array(outcomes.values(), pa.string())})
    if not decided.num_rows:
        return
    refusals = copy_in(connection, decided)
    connection.execute(
        text(
            "INSERT INTO contact (decision_id, customer_no, unit_id, channel, campaign, contact_class, due_at, due_day,"
            " accepted, refused_by) SELECT i.decision_id::uuid, customer_no, unit_id, channel, campaign, contact_class,"
            f" due_at, (due_at AT TIME ZONE :zone)::date, o.by = '', o.by FROM {name} i"
            f" JOIN {refusals} o ON o.id = i.decision_id ON CONFLICT DO NOTHING"
        ),
        {"zone": zone},
    )


def _count_use(
    connection: Connection, wanted: Sequence[Wanted], outcomes: Mapping[str, str], capacities: Sequence[Capacity]
) -> None:
    use: dict[tuple[str, str, date], int] = defaultdict(int)
    for want in wanted:
        if not outcomes[want.decision_id]:
            for capacity in bearing(want, capacities):
                use[capacity.channel, capacity.unit_id, want.day] += 1
    if use:
        connection.execute(
            text("UPDATE capacity_use SET used = used + :n WHERE channel = :c AND unit_id = :u AND day = :d"),
            [{"c": c, "u": u, "d": d, "n": n} for (c, u, d), n in sorted(use.items())],
        )


def _outcomes(connection: Connection, name: str, outcomes: Mapping[str, str]) -> pa.Table:
    stored = copy_out(
        connection,
        f"SELECT DISTINCT i.decision_id, c.accepted, c.refused_by, false FROM {name} i "
        "JOIN contact c ON c.decision_id = i.decision_id::uuid ORDER BY i.decision_id",
        CONTACT_OUTCOME_SCHEMA,
    )
    new = pa.array([number in outcomes for number in stored.column("decision_id").to_pylist()], pa.bool_())
    return stored.set_column(3, CONTACT_OUTCOME_SCHEMA.field("new"), new)
