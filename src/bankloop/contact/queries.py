"""Reading contacts: a customer's, a campaign's, and whether any cap is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.contact.contracts import Cap
from bankloop.customer.identity import joined_person

_CONTACT = text(
    "SELECT channel, due_at, accepted, refused_by, c.recorded_at, coalesce(s.reason, '') FROM contact c "
    "LEFT JOIN contact_stop s USING (decision_id) WHERE c.decision_id = :id"
)
_DAYS = text(
    "SELECT c.decision_id, due_day FROM contact c WHERE c.decision_id = ANY (:ids) AND accepted "
    "AND NOT EXISTS (SELECT FROM contact_stop s WHERE s.decision_id = c.decision_id)"
)
_BY_CHANNEL = text(
    "SELECT channel, contact_class, count(*) FROM contact WHERE accepted AND due_day >= :since "
    "GROUP BY 1, 2 ORDER BY 1, 2"
)
_BY_DAY = text(
    "SELECT due_day, channel, count(*) FILTER (WHERE accepted), count(*) FILTER (WHERE NOT accepted) "
    "FROM contact WHERE campaign = :campaign GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT :most"
)


@dataclass(frozen=True, slots=True)
class ContactRow:
    """What the gate said of a decision's contact, and why it was stopped afterwards ('' where it was not)."""

    channel: str
    due_at: datetime
    accepted: bool
    refused_by: str
    recorded_at: datetime
    stopped: str = ""


def contact_row(connection: Connection, decision_id: UUID) -> ContactRow | None:
    """Return what the gate said of a decision's contact; None where none was asked for."""
    found = connection.execute(_CONTACT, {"id": decision_id}).first()
    return None if found is None else ContactRow(*found)


def contact_days(connection: Connection, decision_ids: Sequence[UUID]) -> dict[UUID, date]:
    """Return the day of each decision's contact, of those that the gate let through and nothing stopped since."""
    found = connection.execute(_DAYS, {"ids": list(decision_ids)}) if decision_ids else ()
    return {row[0]: row[1] for row in found}


def contacts_by_channel(connection: Connection, since: date) -> list[tuple[str, str, int]]:
    """Return (channel, class, contacts) that the gate let through for days from ``since`` on, or that people made."""
    return [tuple(row) for row in connection.execute(_BY_CHANNEL, {"since": since})]


def contacts_by_day(connection: Connection, campaign: str, most: int) -> list[tuple[date, str, int, int]]:
    """Return a campaign's contacts as (day, channel, passed, refused), the latest day first."""
    return [tuple(row) for row in connection.execute(_BY_DAY, {"campaign": campaign, "most": most})]


def contact_ahead(number: str, day: str) -> str:
    """Return the condition that a contact of ``number`` will be made on ``day`` or later; both are pieces of SQL."""
    return (
        f"EXISTS (SELECT FROM contact c WHERE c.customer_no = {number} AND c.accepted AND c.due_day >= {day} "
        "AND NOT EXISTS (SELECT FROM contact_stop s WHERE s.decision_id = c.decision_id))"
    )


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
    return accepted_days(connection, campaign)["decision_id"].combine_chunks()


def accepted_days(connection: Connection, campaign: str) -> pa.Table:
    """Return decision_id, as text, and due_day of a campaign's contacts that passed and were not stopped."""
    rows = connection.execute(
        text(
            "SELECT decision_id::text, due_day FROM contact c WHERE campaign = :campaign AND accepted AND NOT EXISTS "
            "(SELECT FROM contact_stop s WHERE s.decision_id = c.decision_id)"
        ),
        {"campaign": campaign},
    ).all()
    ids, days = zip(*rows, strict=True) if rows else ((), ())
    return pa.table({"decision_id": pa.array(ids, pa.string()), "due_day": pa.array(days, pa.date32())})


def broken_caps(connection: Connection, caps: Sequence[Cap]) -> int:
    """Return how many (cap, person, window) hold more contacts of campaigns than the cap allows: nought, always.

    Calls of people's own lists, which have no campaign, count when a campaign asks, but no cap holds them back.
    """
    return sum(_broken(connection, cap) for cap in caps)


def _broken(connection: Connection, cap: Cap) -> int:
    found = connection.scalar(
        text(
            # One pass in the order of a person's days: looking each contact's window up would take the square of all.
            "SELECT count(*) FROM (SELECT count(*) OVER (PARTITION BY coalesce(p.party_no, c.customer_no)"
            " ORDER BY due_day - DATE '1970-01-01'"
            " RANGE BETWEEN CURRENT ROW AND CAST(:days AS integer) - 1 FOLLOWING) AS within FROM contact c"
            f" {joined_person('c')}"
            " WHERE accepted AND campaign <> '' AND contact_class = :class"
            " AND (:scope = '*' OR channel = :scope)) AS windows WHERE within > :limit"
        ),
        {"class": cap.contact_class, "scope": cap.scope, "days": cap.days, "limit": cap.limit},
    )
    return found or 0
