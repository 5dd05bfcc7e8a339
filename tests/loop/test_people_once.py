"""A person with two numbers is one: once in an audience, under one set of caps, and the counts say who was left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pyarrow as pa
from sqlalchemy import text

from bankloop.contact.contracts import Cap
from bankloop.contact.gate import reserve_contacts
from bankloop.contact.queries import broken_caps
from bankloop.customer.identity import RECORD_SCHEMA, link_identities, register, undo_merge
from bankloop.customer.persons import NO_LEADS
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.membership.customer_watch import Everybody
from bankloop.loop.round.labels import round_outcomes, round_population
from bankloop.loop.round.one_person import as_decided, first_of_persons
from bankloop.organization.principals import maker, reviewers, system
from bankloop.store.database import Store
from bankloop.store.history import append_events, read_decisions

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


def merged(bank: Bank, *numbers: str) -> None:
    """Let the core system's records of some customers bear one document, and link them."""
    record = {"name": "王小明", "birth": "1990-05-04", "document_no": "110105199005041017"}
    given = [{**dict.fromkeys(RECORD_SCHEMA.names), **record, "source_key": number} for number in numbers]
    with bank.store.begin(system("identity", "load")) as connection:
        register(connection, "core", pa.Table.from_pylist(given, RECORD_SCHEMA), bank.lake.today(), "L1")
        link_identities(connection)


def parted(bank: Bank, number: str) -> None:
    with bank.store.begin(system("identity", "quality")) as connection:
        undo_merge(connection, number, "two people after all")


def found_by(bank: Bank, expression: str) -> set[str]:
    with bank.store.begin(system("test")) as connection:
        people = Everybody(bank).now(connection)
    numbers = people.table["customer_no"].filter(pa.array(people.meets(expression))).to_pylist()
    assert len(numbers) == len(set(numbers))
    return set(numbers)


def test_two_numbers_with_little_are_one_customer_with_enough_until_the_merge_is_undone(bank: Bank) -> None:
    """C1 has 30,000 yuan and C2 has 40,000: together they are found by ``aum >= 50000``, once."""
    table = bank.state(bank.lake.today() - timedelta(days=1)).table
    some = [
        (aum, number)
        for number, aum in zip(table["customer_no"].to_pylist(), table["aum"].to_pylist(), strict=True)
        if 2_500_000 < aum < 5_000_000
    ]
    (a, one), (b, other) = sorted(some)[-2:]
    lead, further = sorted((one, other))
    before = found_by(bank, "aum >= 50000")
    assert not {lead, further} & before
    merged(bank, lead, further)
    assert found_by(bank, "aum >= 50000") == before | {lead}
    state = bank.state(bank.lake.today() - timedelta(days=1))
    assert (state.row(lead)["aum"], state.row(further)) == (a + b, {})
    assert bank.lead_of(further) == lead
    parted(bank, further)
    assert found_by(bank, "aum >= 50000") == before
    assert bank.lead_of(further) == further


def test_a_plan_has_a_person_once_and_gives_a_decision_to_the_leading_number(bank: Bank) -> None:
    submit(bank, maker(), "bind-card")
    approve_in_turn(bank, reviewers(), "bind-card")
    today = bank.lake.today()
    before = loop.plan(bank, system(), 1, today).audiences["bind-card"]
    lead, further = sorted(before.customer_no[:2].to_pylist())
    merged(bank, lead, further)
    after = loop.plan(bank, system(), 1, today).audiences["bind-card"]
    assert set(before.customer_no.to_pylist()) - set(after.customer_no.to_pylist()) == {further}
    assert after.hit - sum(fall.count for fall in after.falls) == after.usable
    loop.run(bank, system(), 1, today)
    with bank.store.begin(system()) as connection:
        decided = read_decisions(connection, ["bind-card"], 1)["customer_no"].to_pylist()
    assert (decided.count(lead), decided.count(further)) == (1, 0)


def decided(*rows: tuple[str, str, int]) -> pa.Table:
    numbers, cells, windows = zip(*rows, strict=True)
    start = [date(2026, 7, 1) + timedelta(days=window) for window in windows]
    return pa.table({"customer_no": numbers, "cell": cells, "window_start": pa.array(start, pa.date32())})


ONE = pa.table({"customer_no": ["C1", "C2", "C5"], "lead_no": ["C1", "C1", "C1"]})


def test_who_was_merged_after_two_decisions_is_read_by_the_first_one() -> None:
    # In one window the leading number's counts, whichever cell it was in; else the earlier one.
    same = decided(("C2", "control", 0), ("C1", "optimize", 0), ("C3", "control", 0))
    assert first_of_persons(same, ONE)["customer_no"].to_pylist() == ["C1", "C3"]
    later = decided(("C1", "optimize", 30), ("C2", "control", 0), ("C3", "control", 0))
    kept = first_of_persons(later, ONE)
    assert (kept["customer_no"].to_pylist(), kept["cell"].to_pylist()) == (["C2", "C3"], ["control", "control"])
    assert first_of_persons(later, NO_LEADS) is later


def test_what_happened_under_any_number_counts_for_the_decision_of_the_person() -> None:
    kept = decided(("C2", "control", 0), ("C3", "control", 0))
    happened = pa.table({"customer_no": ["C1", "C5", "C2", "C3", "C9"], "type": ["x"] * 5})
    assert as_decided(happened, kept, ONE)["customer_no"].to_pylist() == ["C2", "C2", "C2", "C3", "C9"]
    assert as_decided(happened, kept, NO_LEADS) is happened


def test_a_success_under_the_other_number_is_read_as_the_person_s(bank: Bank) -> None:
    submit(bank, maker(), "bind-card")
    approve_in_turn(bank, reviewers(), "bind-card")
    today = bank.lake.today()
    loop.run(bank, system(), 1, today)
    with bank.store.begin(system()) as connection:
        lock, population, _ = round_population(connection, "bind-card", 1, NO_LEADS)
        lead, further = sorted(population["customer_no"].to_pylist())[:2]
        at = bank.clock.now() + timedelta(hours=1)
        append_events(connection, event_of(further, lock.campaign.goal.event, at))
        before = round_outcomes(bank, connection, "bind-card", 1)[1]
    merged(bank, lead, further)
    with bank.store.begin(system()) as connection:
        _, once, left_out = round_population(connection, "bind-card", 1, bank.leads())
        after = round_outcomes(bank, connection, "bind-card", 1)[1]
    assert (once.num_rows, left_out["same_person"]) == (population.num_rows - 1, 1)
    assert after.success[once["customer_no"].to_pylist().index(lead)] == 1.0
    assert (after.success.sum(), len(after.success)) == (before.success.sum(), len(before.success) - 1)
    assert after.notes["same_person"] == 1


def event_of(number: str, type_: str, at: datetime) -> pa.Table:
    moment = pa.array([at], pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "source": ["app"], "event_id": [1], "customer_no": [number], "unit_id": ["B01"], "type": [type_],
            "occurred_on": [at.date()], "occurred_at": moment, "recorded_at": moment,
        }
    )  # fmt: skip
