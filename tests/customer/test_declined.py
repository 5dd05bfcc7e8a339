"""What a customer declined in a conversation no channel repeats: at the gate, at delivery, under every number, for half a year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import text

from bankloop.contact.by_hand import log_contact
from bankloop.contact.contracts import CONTACT_SCHEMA
from bankloop.contact.delivery import deliver
from bankloop.contact.gate import reserve_contacts
from bankloop.kit.ids import uuid7
from bankloop.organization.principals import system
from bankloop.store.database import Store
from bankloop.store.outbox import enqueue
from tests.customer.test_consent import word
from tests.organization.conftest import Folk, folk
from tests.organization.task.test_tasks import NOW, TODAY, Later, later, plan

__all__ = ["folk", "later"]
SALE = "keep-deposits"


def reserved(store: Store, day: date = TODAY, campaign: str = SALE, contact_class: str = "marketing", customer: str = "C0001") -> str:  # fmt: skip
    row = {
        "decision_id": str(uuid7(1)), "customer_no": customer, "unit_id": "S0001", "channel": "sms", "campaign": campaign,
        "contact_class": contact_class, "due_at": datetime(day.year, day.month, day.day, 4, tzinfo=UTC),
    }  # fmt: skip
    with store.begin(system()) as connection:
        found: str = reserve_contacts(connection, pa.Table.from_pylist([row], CONTACT_SCHEMA), ())["refused_by"][
            0
        ].as_py()
    return found


def test_no_channel_repeats_what_was_declined(folk: Folk, store: Store, later: Later) -> None:
    for customer in ("C0001", "C0002"):
        word(folk, "marketing", True, customer)
    (one,) = plan(folk, "C0001")
    assert reserved(store) == ""
    with store.begin(system()) as connection:
        contact = connection.scalar(text("SELECT decision_id::text FROM contact"))
        part = [{"contact": contact, "customer_no": "C0001", "campaign": SALE, "action": "a|none|sms", "script": "s@1"}]
        enqueue(connection, "delivery", "p1", "*", {"channel": "sms", "due_on": "2026-07-01", "campaign": SALE, "contacts": part})  # fmt: skip
    with store.begin(folk.who("M00001", "service")) as connection:
        log_contact(connection, one, "declined", "not now")
    assert reserved(store) == "declined"
    assert reserved(store, campaign="first-wealth") == ""  # another offer
    assert reserved(store, contact_class="service") == ""
    assert reserved(store, customer="C0002") == ""

    parts: list[Any] = []

    class Sent:
        def send(self, *part: Any) -> None:
            parts.append(part)

    # What was queued before the call is stopped where it leaves the house.
    assert deliver(store, system("delivery"), Sent(), lambda _, contacts: contacts).done == 0
    assert parts == []
    after = later(timedelta(days=181))
    with after.begin(system()) as connection:
        assert connection.scalar(text("SELECT reason FROM contact_stop")) == "declined"
    assert reserved(after, TODAY + timedelta(days=181)) == ""
    assert NOW.date() == TODAY


def test_what_was_only_thought_over_may_come_again(folk: Folk, store: Store) -> None:
    word(folk, "marketing", True, "C0001")
    (one,) = plan(folk, "C0001")
    with store.begin(folk.who("M00001", "service")) as connection:
        log_contact(connection, one, "considering", "")
    assert reserved(store) == ""
