"""Offers that a customer declined in a conversation: for a while no channel repeats them.

Kept by campaign, which is what a contact knows of its offer; a person's refusal counts under each of their numbers.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.customer.identity import joined_numbers
from bankloop.store.database import now_of

# Half a year on, what somebody needs has changed; a customer who never wants to hear of it says so as a stop.
QUIET = timedelta(days=180)
_ADD = text(
    "INSERT INTO offer_declined (task_id, customer_no, campaign, declined_at) VALUES (:task, :customer, :campaign, :now) "
    "ON CONFLICT DO NOTHING"
)
_ASKED = """
SELECT DISTINCT i.customer_no, i.campaign FROM {name} i
{numbers}
JOIN offer_declined d ON d.campaign = i.campaign AND d.customer_no = coalesce(o.customer_no, i.customer_no)
WHERE d.declined_at > :since
"""


def decline_offer(connection: Connection, task_id: UUID, customer_no: str, campaign: str) -> None:
    """Keep, once for a task, that a customer declined what a campaign offers; for verbs that record it."""
    values = {"task": task_id, "customer": customer_no, "campaign": campaign, "now": now_of(connection)}
    connection.execute(_ADD, values)


def declined_offers(connection: Connection, asked: str) -> set[tuple[str, str]]:
    """Return (customer, campaign) of the copied table ``asked`` that were declined within ``QUIET``."""
    found = connection.execute(
        text(_ASKED.format(name=asked, numbers=joined_numbers("i"))), {"since": now_of(connection) - QUIET}
    )
    return {(row[0], row[1]) for row in found}
