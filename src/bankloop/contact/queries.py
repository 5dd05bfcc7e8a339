"""Reading contacts: a customer's, a campaign's, and whether any cap is broken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
from sqlalchemy import Connection, text

from bankloop.contact.contracts import Cap
from bankloop.customer.identity import joined_person


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
