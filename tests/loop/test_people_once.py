"""A person with two numbers is one: once in an audience, under one set of caps, and the counts say who was left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pyarrow as pa
from sqlalchemy import text

from bankloop.contact.contracts import Cap
from bankloop.contact.gate import reserve_contacts
from bankloop.contact.queries import broken_caps
from bankloop.customer.consent import permits
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.organization.principals import maker, reviewers, system
from bankloop.store.database import Store

NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)


def one_person(store: Store, first: str, *others: str) -> None:
    """Make numbers one person's, as merging does."""
    with store.begin(system("test")) as connection:
        for number in (first, *others):
            connection.execute(
                text(
                    "INSERT INTO identity (customer_no, source, key_blind, channel, as_of, load_id) "
                    "VALUES (:n, 'test', :n, false, '2026-01-01', 'L')"
                ),
                {"n": number},
            )
        for number in others:
            connection.execute(
                text("INSERT INTO party_member (customer_no, party_no, valid_from) VALUES (:n, :p, '2026-01-01')"),
                {"n": number, "p": first},
            )


def reserve(store: Store, number: int, customer: str, cap: Cap, days: int = 0) -> str:
    contact = pa.table(
        {"decision_id": [str(UUID(int=number))], "customer_no": [customer], "unit_id": ["B01"], "channel": ["sms"], "campaign": ["x"],
         "contact_class": ["marketing"], "due_at": pa.array([NOON + timedelta(days=days)], pa.timestamp("us", tz="UTC"))}
    )  # fmt: skip
    with store.begin(system("test")) as connection:
        return str(reserve_contacts(connection, contact, (cap,))["refused_by"][0].as_py())


def test_caps_are_of_a_person_under_all_numbers(store: Store, allow: Callable[..., None]) -> None:
    allow(["C1", "C2", "C3"])
    weekly = Cap("sms", 1, 7)
    one_person(store, "C1", "C2")
    assert reserve(store, 1, "C1", weekly) == ""
    assert reserve(store, 2, "C2", weekly, days=3) == "cap:marketing:sms:1/7d"
    assert reserve(store, 3, "C3", weekly) == ""
    assert reserve(store, 4, "C2", weekly, days=7) == ""
    with store.begin(system("test")) as connection:
        assert broken_caps(connection, [weekly]) == 0
        assert broken_caps(connection, [Cap("sms", 0, 7)]) == 3


def test_contacts_from_before_a_merge_count_after_it(store: Store, allow: Callable[..., None]) -> None:
    allow(["C1", "C2"])
    monthly = Cap("*", 2, 30)
    assert [reserve(store, 1, "C1", monthly), reserve(store, 2, "C2", monthly, days=1)] == ["", ""]
    one_person(store, "C1", "C2")
    assert reserve(store, 3, "C1", monthly, days=2) == "cap:marketing:*:2/30d"


def test_further_numbers_of_a_person_are_marked_and_the_first_one_stays(store: Store) -> None:
    one_person(store, "C2", "C4", "C6")
    one_person(store, "P9", "C1", "C3")  # the party's own number is no customer of the core system
    with store.begin(system("test")) as connection:
        found = permits(connection, pa.array([f"C{n}" for n in range(1, 7)]))
    assert np.flatnonzero(found.again).tolist() == [2, 3, 5]


def test_a_plan_has_a_person_once_and_says_how_many_numbers_that_left_out(bank: Bank) -> None:
    submit(bank, maker(), "bind-card")
    approve_in_turn(bank, reviewers(), "bind-card")
    before = loop.plan(bank, system(), 1, bank.lake.today()).audiences["bind-card"]
    first, second = before.customer_no[:2].to_pylist()
    one_person(bank.store, first, second)
    after = loop.plan(bank, system(), 1, bank.lake.today()).audiences["bind-card"]
    assert set(before.customer_no.to_pylist()) - set(after.customer_no.to_pylist()) == {second}
    assert len(after.excluded["same_person"]) == 1
    assert after.hit - sum(fall.count for fall in after.falls) == after.usable
