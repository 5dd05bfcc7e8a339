"""Everybody as they are now: whatever was said or merged since, those who are followed are as those read afresh."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from sqlalchemy import text

from bankloop.customer.consent.ledger import CONSENT_SCHEMA, append_consents
from bankloop.loop.bank import Bank
from bankloop.loop.membership.customer_watch import Everybody
from bankloop.loop.membership.members import CustomersNow
from bankloop.organization.principals import system
from tests.loop.test_people_once import one_person

SAID = pa.schema(
    [CONSENT_SCHEMA.field(name) for name in ("customer_no", "purpose", "channel", "stands", "said_at", "origin")]
)


def now(bank: Bank, everybody: Everybody) -> CustomersNow:
    with bank.store.begin(system("test")) as connection:
        return everybody.now(connection)


def same(one: CustomersNow, other: CustomersNow) -> bool:
    codes = {code: np.array_equal(mask, other.reasons[code]) for code, mask in one.reasons.items()}
    return one.table.equals(other.table) and all(codes.values())


def word(number: str, purpose: str, *, stands: bool, channel: str = "*") -> pa.Table:
    moment = datetime(2026, 6, 29, tzinfo=UTC)
    said = {"customer_no": number, "purpose": purpose, "channel": channel, "stands": stands, "said_at": moment}
    return pa.Table.from_pylist([{**said, "origin": "counter"}]).cast(SAID)


def say(bank: Bank, number: str, purpose: str, *, stands: bool, channel: str = "*") -> None:
    with bank.store.begin(system("test")) as connection:
        append_consents(connection, word(number, purpose, stands=stands, channel=channel))


def test_whoever_said_something_or_was_merged_is_as_when_all_are_read_again(bank: Bank) -> None:
    followed = Everybody(bank)
    begun = now(bank, followed)
    numbers = begun.table["customer_no"].to_pylist()
    assert begun.reasons
    allowed = begun.table.filter(begun.table["marketing_consent"])["customer_no"].to_pylist()
    steps = [
        lambda: say(bank, allowed[0], "marketing", stands=False),
        lambda: say(bank, allowed[1], "do_not_contact", stands=True),
        lambda: say(bank, allowed[2], "marketing", stands=True, channel="sms"),
        lambda: say(bank, "C99999999", "no_marketing", stands=True),  # no customer of the core system
        lambda: one_person(bank.store, allowed[3], allowed[0], numbers[-1]),
        lambda: say(bank, numbers[-1], "no_personalisation", stands=True),  # for every number of that person
    ]
    before = begun
    for step in steps:
        step()
        found = now(bank, followed)
        assert found is not before
        assert same(found, now(bank, Everybody(bank)))
        assert now(bank, followed) is found
        before = found
    assert set(numbers) - set(before.table["customer_no"].to_pylist()) == {allowed[0], numbers[-1]}
    with bank.store.begin(system("test")) as connection:
        connection.execute(
            text("UPDATE party_member SET valid_to = valid_from WHERE customer_no = :n"), {"n": allowed[0]}
        )
    parted = now(bank, followed)
    assert same(parted, now(bank, Everybody(bank)))
    assert set(numbers) - set(parted.table["customer_no"].to_pylist()) == {numbers[-1]}
    assert not same(parted, begun)


def test_a_word_committed_after_a_later_one_was_read_is_heard(bank: Bank) -> None:
    followed = Everybody(bank)
    numbers = (
        now(bank, followed).table.filter(now(bank, followed).table["marketing_consent"])["customer_no"].to_pylist()
    )
    with bank.store.begin(system("slow")) as connection:
        append_consents(connection, word(numbers[0], "marketing", stands=False))
        say(bank, numbers[1], "marketing", stands=False)
        between = now(bank, followed)
        assert same(between, now(bank, Everybody(bank)))
    found = now(bank, followed)
    assert found is not between
    assert same(found, now(bank, Everybody(bank)))
    say(bank, numbers[2], "marketing", stands=False)
    assert same(now(bank, followed), now(bank, Everybody(bank)))
