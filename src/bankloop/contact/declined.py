"""Offers that a customer declined in a conversation or waved away on a screen: for a while no channel repeats them.

Kept by campaign, which is what a contact knows of its offer; a person's refusal counts under each of their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.customer.identity import joined_numbers, numbers_of
from bankloop.store.database import now_of
from bankloop.store.questions import Question

# Half a year on, what somebody needs has changed; a customer who never wants to hear of it says so as a stop.
QUIET = timedelta(days=180)
_ADD = text(
    "INSERT INTO offer_declined (task_id, customer_no, campaign, declined_at, quiet_days) "
    "VALUES (:task, :customer, :campaign, :now, :days) ON CONFLICT DO NOTHING"
)
_HOLDS = "d.declined_at + d.quiet_days * interval '1 day' > :now"
_ASKED = f"""
SELECT DISTINCT i.customer_no, i.campaign FROM {{name}} i
{{numbers}}
JOIN offer_declined d ON d.campaign = i.campaign AND d.customer_no = coalesce(o.customer_no, i.customer_no)
WHERE {_HOLDS}
"""
_OF = (
    "SELECT DISTINCT campaign FROM offer_declined d WHERE customer_no = ANY (%(numbers)s) AND "
    f"{_HOLDS.replace(':now', '%(now)s')}"
).encode()
_STANDING = text(
    "SELECT campaign, max(declined_at), max(declined_at + quiet_days * interval '1 day') FROM offer_declined d "
    f"WHERE customer_no = ANY (:numbers) AND {_HOLDS} GROUP BY 1 ORDER BY 2 DESC"
)


@dataclass(frozen=True, slots=True)
class DeclinedOffer:
    """An offer that a person does not want: whose campaign's, since when, and until when no channel repeats it."""

    campaign: str
    at: datetime
    until: datetime


def decline_offer(
    connection: Connection, task_id: UUID, customer_no: str, campaign: str, quiet: timedelta = QUIET
) -> None:
    """Keep, once for a task or a decision, that a customer declined what a campaign offers; for verbs that record it.

    For ``quiet``, whole days, no channel offers it again.
    """
    said = {"task": task_id, "customer": customer_no, "campaign": campaign}
    values = {**said, "now": now_of(connection), "days": quiet.days}
    connection.execute(_ADD, values)


def declined_offers(connection: Connection, asked: str) -> set[tuple[str, str]]:
    """Return (customer, campaign) of the copied table ``asked`` whose offer was declined and is still left in peace."""
    found = connection.execute(
        text(_ASKED.format(name=asked, numbers=joined_numbers("i"))), {"now": now_of(connection)}
    )
    return {(row[0], row[1]) for row in found}


def declined_asked(numbers: Sequence[str], now: datetime) -> Question[frozenset[str]]:
    """Return the question for the campaigns whose offer a person declined and that leave them in peace."""
    values = {"numbers": list(numbers), "now": now}
    return Question(_OF, lambda rows: frozenset(row[0] for row in rows), values)


def offers_declined(connection: Connection, customer_no: str) -> tuple[DeclinedOffer, ...]:
    """Return the offers that a person declined and that are still left in peace, as far as who looks may see them."""
    values = {"numbers": numbers_of(connection, customer_no), "now": now_of(connection)}
    return tuple(DeclinedOffer(*row) for row in connection.execute(_STANDING, values))
