"""The contact gate: one reservation of a batch of contacts, bank-wide, under which no cap can be broken.

Whoever reserves first locks the customers, in the order of their numbers, then the day's capacities, in theirs; so two
gates never wait for each other in a circle, and never count at the same time. One call a transaction keeps that order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.store.consents import lock_people, people_of, refused_contacts
from bankloop.store.contracts import CONTACT_OUTCOME_SCHEMA, CONTACT_SCHEMA, EVERY_UNIT, Cap, Capacity
from bankloop.store.copying import copy_in, copy_out, fitted
from bankloop.store.database import bank_wide, principal_of
from bankloop.store.declined import DECLINED, declined_offers
from bankloop.store.errors import denied

DEFAULT_ZONE = "Asia/Shanghai"
_MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One contact that is asked for; ``person`` is whose caps it counts against, the customer's own where ''."""

    decision_id: str
    customer_no: str
    unit_id: str
    channel: str
    contact_class: str
    day: date
    person: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """One contact already reserved for a customer."""

    channel: str
    contact_class: str
    day: date
    campaign: str = ""


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


def decide(
    wanted: Sequence[Wanted],
    made: Mapping[str, Sequence[Made]],
    caps: Sequence[Cap],
    capacities: Sequence[Capacity] = (),
    used: Mapping[tuple[str, str, date], int] | None = None,
    silent: Mapping[tuple[str, str], str] | None = None,
    declined: Collection[tuple[str, str]] = (),
) -> dict[str, str]:
    """Return for each wanted contact, taken in order, what refuses it; '' where nothing does.

    ``silent`` says by (customer, channel) why marketing is refused whatever the caps; ``declined`` names (customer,
    campaign) whose offer was declined: no channel repeats it.

    A cap holds in every running window that the contact falls into, as a later day may have been reserved before. Made
    once in ``used`` per (channel, unit, day), a capacity counts on from there. Pure: the same input, the same outcome.
    """
    ledger: dict[str, list[Made]] = defaultdict(list, {number: list(rows) for number, rows in made.items()})
    taken = dict(used or {})
    outcomes: dict[str, str] = {}
    for want in wanted:
        mine = ledger[want.person or want.customer_no]
        refusal = _refusing_word(want, silent or {}, declined)
        refusal = refusal or _refusing_cap(want, mine, caps) or _refusing_capacity(want, capacities, taken)
        outcomes[want.decision_id] = refusal
        if not refusal:
            mine.append(Made(want.channel, want.contact_class, want.day, want.campaign))
            for capacity in _bearing(want, capacities):
                key = (capacity.channel, capacity.unit_id, want.day)
                taken[key] = taken.get(key, 0) + 1
    return outcomes


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


def contacts_of(connection: Connection, customer_no: str) -> list[tuple[date, str, str, bool, str]]:
    """Return a customer's contacts as (day, channel, campaign, accepted, refused_by), the latest first."""
    rows = connection.execute(
        text(
            "SELECT due_day, channel, campaign, accepted, refused_by FROM contact WHERE customer_no = :number "
            "ORDER BY due_at DESC, decision_id"
        ),
        {"number": customer_no},
    )
    return [tuple(row) for row in rows]


def accepted_contacts(connection: Connection, campaign: str) -> pa.Array:
    """Return the decision ids, as text, of a campaign's contacts that passed the gate and were not stopped later."""
    ids = connection.scalars(
        text(
            "SELECT decision_id::text FROM contact c WHERE campaign = :campaign AND accepted AND NOT EXISTS "
            "(SELECT FROM contact_stop s WHERE s.decision_id = c.decision_id)"
        ),
        {"campaign": campaign},
    )
    return pa.array(ids.all(), pa.string())


def broken_caps(connection: Connection, caps: Sequence[Cap]) -> int:
    """Return how many (cap, person, window) hold more contacts of campaigns than the cap allows: nought, always.

    Calls of people's own lists, which have no campaign, count when a campaign asks, but no cap holds them back.
    """
    return sum(_broken(connection, cap) for cap in caps)


def _refusing_word(want: Wanted, silent: Mapping[tuple[str, str], str], declined: Collection[tuple[str, str]]) -> str:
    if want.contact_class != _MARKETING:
        return ""
    again = DECLINED if (want.customer_no, want.campaign) in declined else ""
    return silent.get((want.customer_no, want.channel), again)


def _refusing_cap(want: Wanted, mine: Sequence[Made], caps: Sequence[Cap]) -> str:
    for cap in caps:
        if cap.units and want.unit_id not in cap.units:
            continue
        if _counts(cap, want):
            days = [m.day for m in mine if _counts(cap, m)]
            if _fullest(want.day, days, cap.days) >= cap.limit:
                return cap.name
    return ""


def _counts(cap: Cap, one: Wanted | Made) -> bool:
    """Return whether a contact is of the kind that a cap counts."""
    of_campaign = cap.campaign in ("", one.campaign)
    return of_campaign and cap.contact_class == one.contact_class and cap.scope in (EVERY_UNIT, one.channel)


def _fullest(day: date, days: Sequence[date], length: int) -> int:
    """Return how many of ``days`` lie in the fullest window of ``length`` days that holds ``day``."""
    near = [d for d in days if abs((d - day).days) < length]
    if len(near) < 2:
        return len(near)
    starts = {day, *(d for d in near if d <= day)}  # the fullest one can be moved until it begins at a contact
    return max(sum(0 <= (d - start).days < length for d in near) for start in starts)


def _bearing(want: Wanted, capacities: Sequence[Capacity]) -> Iterator[Capacity]:
    for capacity in capacities:
        if (
            capacity.channel == want.channel
            and capacity.unit_id in (EVERY_UNIT, want.unit_id)
            and capacity.day in (None, want.day)
        ):
            yield capacity


def _refusing_capacity(want: Wanted, capacities: Sequence[Capacity], taken: Mapping[tuple[str, str, date], int]) -> str:
    for capacity in _bearing(want, capacities):
        if taken.get((capacity.channel, capacity.unit_id, want.day), 0) >= capacity.limit:
            return capacity.name
    return ""


def _check_units(connection: Connection, rows: pa.Table) -> None:
    principal = principal_of(connection)
    if EVERY_UNIT in principal.units:
        return
    foreign = set(rows.column("unit_id").unique().to_pylist()) - set(principal.units)
    if foreign:
        raise denied(principal.id, f"units {', '.join(sorted(foreign))}")


def _wanted(connection: Connection, name: str, zone: str) -> Iterator[Wanted]:
    """Yield what has no outcome yet, in due order."""
    rows = connection.execute(
        text(
            f"SELECT DISTINCT ON (due_at, decision_id) decision_id, i.customer_no, unit_id, channel, contact_class, "
            f"(due_at AT TIME ZONE :zone)::date, coalesce(p.party_no, i.customer_no), i.campaign FROM {name} i "
            "LEFT JOIN party_member p ON p.customer_no = i.customer_no AND p.valid_to IS NULL WHERE "
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
            "LEFT JOIN party_member p ON p.customer_no = c.customer_no AND p.valid_to IS NULL "
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
    keys = sorted({(c.channel, c.unit_id, want.day) for want in kinds for c in _bearing(want, capacities)})
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
            for capacity in _bearing(want, capacities):
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


def _broken(connection: Connection, cap: Cap) -> int:
    found = connection.scalar(
        text(
            # One pass in the order of a person's days: looking each contact's window up would take the square of all.
            "SELECT count(*) FROM (SELECT count(*) OVER (PARTITION BY coalesce(p.party_no, c.customer_no)"
            " ORDER BY due_day - DATE '1970-01-01'"
            " RANGE BETWEEN CURRENT ROW AND CAST(:days AS integer) - 1 FOLLOWING) AS within FROM contact c"
            " LEFT JOIN party_member p ON p.customer_no = c.customer_no AND p.valid_to IS NULL"
            " WHERE accepted AND campaign <> '' AND contact_class = :class"
            " AND (:scope = '*' OR channel = :scope)) AS windows WHERE within > :limit"
        ),
        {"class": cap.contact_class, "scope": cap.scope, "days": cap.days, "limit": cap.limit},
    )
    return found or 0
