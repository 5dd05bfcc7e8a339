"""Consent: nothing is allowed that was not, the latest word holds everywhere at once, nothing is undone by an old file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.contact.contracts import Cap
from bankloop.contact.delivery import deliver
from bankloop.contact.gate import reserve_contacts
from bankloop.contact.queries import accepted_contacts
from bankloop.customer.ages import full_years
from bankloop.customer.consent import (
    Content,
    Purpose,
    Recorded,
    Word,
    ask_removal,
    content_for,
    holds,
    ledger_of,
    load_consents,
    may_contact,
    permits,
    record_word,
    remove_from_list,
    restrict,
    standing_of,
)
from bankloop.customer.consent.ledger import append_consents
from bankloop.customer.consent.rules import may_say
from bankloop.customer.identity import link_identities, undo_merge
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ColumnType
from bankloop.lake.service import Lake, open_lake
from bankloop.organization import approval
from bankloop.organization.principals import auditor, checker, compliance, system
from bankloop.organization.task import NewTask, TaskKind, open_task
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.outbox import enqueue
from tests.customer.conftest import PROGRAM, Load, person
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
PROOF = {"form": "M-2026-03", "proof": "app-click-881"}
MARKETING_ONLY = (Purpose.MARKETING, Purpose.NO_MARKETING, Purpose.DO_NOT_CONTACT, Purpose.NO_PERSONALISATION)


def said(purpose: Purpose, stands: bool, minutes: int = 0, channel: str = "*") -> Word:
    return Word(purpose, stands, NOW - timedelta(days=30) + timedelta(minutes=minutes), channel)


def gate(store: Store, number: str, customer: str, channel: str = "sms", who: Principal = PROGRAM) -> str:
    contact = pa.table(
        {
            "decision_id": [str(UUID(int=int(number)))], "customer_no": [customer], "unit_id": ["S0001"], "channel": [channel],
            "campaign": ["bind-card"], "contact_class": ["marketing"],
            "due_at": pa.array([NOW + timedelta(days=1)], pa.timestamp("us", tz="UTC")),
        }
    )  # fmt: skip
    with store.begin(who) as connection:
        return str(reserve_contacts(connection, contact, (Cap("*", 99, 1),))["refused_by"][0].as_py())


def word(folk: Folk, purpose: str, stands: bool, customer: str = "C0001", **more: Any) -> Recorded:
    given: dict[str, Any] = {"origin": "app", "evidence": PROOF, **more}
    with folk.store.begin(folk.who("data_steward", "quality")) as connection:
        return record_word(connection, customer, purpose, stands, **given)


# The rules


def test_nothing_said_is_no_and_the_latest_word_holds() -> None:
    yes, no = said(Purpose.MARKETING, True), said(Purpose.MARKETING, False, 1)
    assert not holds([], Purpose.MARKETING)
    assert holds([yes], Purpose.MARKETING)
    assert not holds([yes, no], Purpose.MARKETING)
    assert holds([no, said(Purpose.MARKETING, True, 2)], Purpose.MARKETING)


def test_a_refusal_over_one_channel_leaves_the_others() -> None:
    words = [said(Purpose.MARKETING, True), said(Purpose.MARKETING, False, 1, "sms")]
    assert [may_contact(words, channel).code for channel in ("sms", "app_push")] == ["no_consent", ""]
    later = [*words, said(Purpose.MARKETING, False, 2)]
    assert not may_contact(later, "app_push").allowed
    assert may_contact([*later, said(Purpose.MARKETING, True, 3, "sms")], "sms").allowed


@given(
    st.lists(
        st.tuples(st.sampled_from(MARKETING_ONLY), st.booleans(), st.integers(0, 3), st.sampled_from(["*", "sms"])),
        max_size=6,
    )
)
@settings(deadline=None)
def test_of_two_words_of_one_moment_the_stricter_holds(drawn: list[tuple[Purpose, bool, int, str]]) -> None:
    words = [said(*one) for one in drawn]
    for purpose in MARKETING_ONLY:
        last = [w for w in words if w.purpose is purpose and w.channel == "*"]
        newest = [w for w in last if w.said_at == max(w.said_at for w in last)]
        if any(w.stands is purpose.stop for w in newest):
            assert holds(words, purpose) is purpose.stop
    stopped = [*words, said(Purpose.NO_MARKETING, True, 9)]
    assert content_for(stopped) is Content.NONE
    assert not may_contact(stopped, "sms").allowed


def test_who_declines_personalisation_gets_what_everybody_gets() -> None:
    consents = [said(Purpose.MARKETING, True)]
    assert content_for(consents) is Content.PERSONAL
    assert content_for([*consents, said(Purpose.NO_PERSONALISATION, True, 1)]) is Content.GENERIC
    assert content_for([]) is Content.GENERIC


@pytest.mark.parametrize(
    ("age", "purpose", "stands", "evidence", "code"),
    [
        (13, Purpose.MARKETING, True, PROOF, "guardian"),
        (13, Purpose.MARKETING, True, {**PROOF, "guardian": "household register 7"}, ""),
        (13, Purpose.NO_MARKETING, False, PROOF, "guardian"),
        (13, Purpose.MARKETING, False, {}, ""),
        (13, Purpose.NO_MARKETING, True, {}, ""),
        (14, Purpose.MARKETING, True, PROOF, ""),
        (None, Purpose.MARKETING, True, PROOF, ""),
    ],
)
def test_a_guardian_consents_for_who_is_under_fourteen(
    age: int | None, purpose: Purpose, stands: bool, evidence: dict[str, str], code: str
) -> None:
    ruling = may_say(said(purpose, stands), "counter", evidence, NOW, stops_only=False, age=age)
    assert (ruling.code, ruling.allowed) == (code, not code)


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(2012, 6, 30), date(2026, 6, 29), 13),
        (date(2012, 6, 30), date(2026, 6, 30), 14),
        (date(2012, 2, 29), date(2026, 2, 28), 13),
        (date(2012, 2, 29), date(2026, 3, 1), 14),
    ],
)
def test_full_years(born: date, today: date, years: int) -> None:
    assert full_years(born, today) == years


# Written down


def test_a_withdrawal_reaches_gate_plan_queue_and_tasks_at_once(folk: Folk) -> None:
    store = folk.store
    assert gate(store, "1", "C0001") == "consent:no_consent"
    word(folk, "marketing", True)
    assert gate(store, "2", "C0001") == ""
    with store.begin(PROGRAM) as connection:
        part = {"channel": "sms", "due_on": "2026-07-01", "campaign": "bind-card",
                "contacts": [{"contact": str(UUID(int=2)), "customer_no": "C0001", "action": "a", "script": "s", "campaign": "bind-card"}]}  # fmt: skip
        enqueue(connection, "delivery", "p/1", "*", part)
        connection.execute(text("INSERT INTO staff_task SELECT gen_random_uuid(), 'c', 1, 'C0001', 'S0001', 'M00001', '2026-07-01', 'x', 1, '', '', 'ASSIGNED', ''"))  # fmt: skip
        assert permits(connection, pa.array(["C0001", "C0002"])).consents.tolist() == [True, False]
    done = word(folk, "marketing", False, evidence={})
    assert done.tasks == 1
    with store.begin(PROGRAM) as connection:
        assert permits(connection, pa.array(["C0001"])).consents.tolist() == [False]
        assert connection.scalars(text("SELECT state FROM staff_task WHERE customer_no = 'C0001'")).all() == ["EXPIRED"]
    assert gate(store, "3", "C0001") == "consent:no_consent"
    sent: list[object] = []

    class Channel:
        def send(self, key: str, channel: str, due_on: str, contacts: object) -> None:
            sent.append(contacts)

    assert deliver(store, PROGRAM, Channel(), lambda _, contacts: contacts).done == 0
    assert sent == []
    with store.begin(PROGRAM) as connection:
        assert accepted_contacts(connection, "bind-card").to_pylist() == []
    with store.begin(auditor(), Role.AUDITOR) as connection:
        rows = connection.execute(
            text("SELECT principal, after->>'stands' FROM audit WHERE verb = 'consent.record' ORDER BY id")
        ).all()
    assert [row[1] for row in rows] == ["true", "false"]


def test_each_stop_is_named_at_the_gate_and_lists_are_left_by_approval_only(folk: Folk) -> None:
    word(folk, "marketing", True)
    word(folk, "no_marketing", True, said_at=NOW - timedelta(hours=1))
    assert gate(folk.store, "1", "C0001") == "consent:no_marketing"
    word(folk, "no_marketing", False)
    word(folk, "do_not_contact", True, evidence={}, said_at=NOW - timedelta(hours=1))
    assert gate(folk.store, "2", "C0001") == "consent:do_not_contact"
    with pytest.raises(InputError, match="needs approval"):
        word(folk, "do_not_contact", False)
    strategist = folk.who("hq_strategist", "campaign")
    with pytest.raises(ConflictError, match="not_listed"), folk.store.begin(strategist) as connection:
        ask_removal(connection, "C0002", PROOF, "letter of 1 June")
    with pytest.raises(InputError, match="needs evidence"), folk.store.begin(strategist) as connection:
        ask_removal(connection, "C0001", {}, "letter of 1 June")
    with folk.store.begin(strategist) as connection:
        request = ask_removal(connection, "C0001", PROOF, "letter of 1 June")
    with pytest.raises(ConflictError, match="not_in_force"), folk.store.begin(strategist) as connection:
        remove_from_list(connection, "C0001")
    for reviewer in (compliance(), compliance("compliance2"), checker()):
        with folk.store.begin(reviewer) as connection:
            approval.consent(connection, request, "seen")
    with folk.store.begin(strategist) as connection:
        assert remove_from_list(connection, "C0001").changed
    assert gate(folk.store, "3", "C0001") == ""
    with pytest.raises(ConflictError, match="not_in_force"), folk.store.begin(strategist) as connection:
        remove_from_list(connection, "C0001")


def test_a_service_notice_needs_no_consent(store: Store) -> None:
    contact = pa.table(
        {"decision_id": [str(UUID(int=1))], "customer_no": ["C1"], "unit_id": ["B01"], "channel": ["sms"], "campaign": ["x"],
         "contact_class": ["service"], "due_at": pa.array([NOW], pa.timestamp("us", tz="UTC"))}
    )  # fmt: skip
    with store.begin(PROGRAM) as connection:
        assert reserve_contacts(connection, contact, ()).column("accepted").to_pylist() == [True]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"evidence": {"form": "M-1"}}, "evidence"),
        ({"origin": "hearsay"}, "origin"),
        ({"said_at": NOW + timedelta(days=1)}, "future"),
        ({"purpose": "sharing"}, "recipient"),
        ({"purpose": "everything"}, "consent.purpose"),
    ],
)
def test_what_may_not_be_written_down_says_why(folk: Folk, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        word(folk, str(asked.pop("purpose", "marketing")), True, **asked)
    assert code in (caught.value.fields.get("rule"), caught.value.code)


def test_who_meets_a_customer_by_a_task_takes_refusals_and_no_consent(folk: Folk) -> None:
    seat = folk.who("remote_agent", "tasks")
    with pytest.raises(NotFoundError), folk.store.begin(seat) as connection:
        record_word(connection, "C0001", "do_not_contact", True, origin="call")
    with folk.store.begin(PROGRAM) as connection:
        connection.execute(text(f"INSERT INTO staff_task SELECT gen_random_uuid(), 'c', 1, 'C0001', 'S0001', '{seat.id}', '2026-07-01', 'x', 1, '', '', 'ASSIGNED', ''"))  # fmt: skip
    with pytest.raises(InputError, match="not consents"), folk.store.begin(seat) as connection:
        record_word(connection, "C0001", "marketing", True, origin="call", evidence=PROOF)
    with folk.store.begin(seat) as connection:
        assert record_word(connection, "C0001", "do_not_contact", True, origin="call").changed
    assert gate(folk.store, "1", "C0001") == "consent:do_not_contact"


def test_the_ledger_is_seen_within_the_book_and_changed_by_verbs_alone(folk: Folk) -> None:
    word(folk, "marketing", True)
    word(folk, "marketing", True, "C0020")
    manager = folk.who("relationship_manager", "service")
    with folk.store.begin(manager) as connection:
        assert [row.customer_no for row in ledger_of(connection, "C0001")] == ["C0001"]
        assert connection.scalars(text("SELECT DISTINCT customer_no FROM consent_record")).all() == ["C0001"]
    with pytest.raises(NotFoundError), folk.store.begin(manager) as connection:
        standing_of(connection, "C0020")
    for statement in ("UPDATE consent_record SET stands = false", "DELETE FROM consent_record"):
        with pytest.raises(DeniedError), folk.store.begin(PROGRAM) as connection:
            connection.execute(text(statement))
    with pytest.raises(DeniedError), folk.store.begin(manager) as connection:
        connection.execute(text("INSERT INTO consent_record (customer_no, purpose, channel, recipient, stands, said_at, origin, evidence, made_by) VALUES ('C0001', 'marketing', '*', 'bank', true, now(), 'app', '{}', 'x')"))  # fmt: skip
    with pytest.raises(DeniedError), folk.store.begin(folk.who("product_manager")) as connection:
        standing_of(connection, "C0001")


def test_a_word_is_the_persons_under_all_their_numbers_until_they_are_taken_apart(
    store: Store, load: Load, allow: Callable[..., None]
) -> None:
    load(person("C1", document_type="id_card", document_no="110101199005040019"))
    load(person("K1", document_type="id_card", document_no="110101199005040019"), source="card")
    with store.begin(PROGRAM) as connection:
        assert link_identities(connection).merges == 1
        other = connection.scalar(text("SELECT customer_no FROM party_member"))
    allow(["C1"])
    assert gate(store, "1", other) == ""
    with store.begin(PROGRAM) as connection:
        restrict(connection, other, "letter", {})
    assert gate(store, "2", "C1") == "consent:do_not_contact"
    with store.begin(PROGRAM) as connection:
        assert permits(connection, pa.array(["C1", other])).listed.tolist() == [True, True]
        undo_merge(connection, other, "two people")
    assert [gate(store, "3", "C1"), gate(store, "4", other)] == ["", "consent:do_not_contact"]


_SAID = st.tuples(
    st.integers(0, 5),
    st.sampled_from(MARKETING_ONLY),
    st.booleans(),
    st.sampled_from(["*", "sms", "call"]),
    st.integers(0, 4),
)


def test_gate_plan_and_rules_say_the_same_of_everybody(store: Store) -> None:
    @given(st.lists(_SAID, min_size=1, max_size=12))
    @settings(max_examples=25, deadline=None)
    def agree(drawn: list[tuple[int, Purpose, bool, str, int]]) -> None:
        rows = [
            {"customer_no": f"C{who}", "purpose": purpose.value, "stands": stands, "channel": channel, "origin": "letter",
             "said_at": NOW - timedelta(days=9) + timedelta(minutes=when)}
            for who, purpose, stands, channel, when in drawn
        ]  # fmt: skip
        words = {f"C{who}": [said(p, s, when, c) for w, p, s, c, when in drawn if w == who] for who in range(6)}
        numbers = pa.array([f"C{who}" for who in range(6)])
        with store.begin(PROGRAM) as connection:
            savepoint = connection.begin_nested()
            append_consents(connection, pa.Table.from_pylist(rows))
            found = permits(connection, numbers)
            from bankloop.customer.consent import refused_contacts
            from bankloop.store.copying import copy_in

            for channel in ("sms", "call", "app_push"):
                asked = copy_in(connection, pa.table({"customer_no": numbers, "channel": [channel] * 6}))
                refused = refused_contacts(connection, asked)
                ruled = [may_contact(words[f"C{who}"], channel) for who in range(6)]
                assert found.open_to(channel).tolist() == [one.allowed for one in ruled]
                assert [refused.get((f"C{who}", channel), "") for who in range(6)] == [
                    f"consent:{one.code}" if one.code else "" for one in ruled
                ]
            assert found.impersonal.tolist() == [holds(words[f"C{w}"], Purpose.NO_PERSONALISATION) for w in range(6)]
            savepoint.rollback()

    agree()


# From the bank's files


def customers(*flags: tuple[str, bool, bool, bool]) -> pa.Table:
    """Customers with consent, personalisation off, do not contact."""
    plain = {ColumnType.STR: "x", ColumnType.INT: 0, ColumnType.BOOL: False, ColumnType.DATE: date(2020, 1, 1)}
    rows = []
    for number, consent, impersonal, listed in flags:
        row = {c.name: None if c.nullable else plain[c.type] for c in CONTRACTS["customer"].columns}
        rows.append({**row, "customer_no": number, "marketing_consent": consent, "personalisation_off": impersonal, "do_not_contact": listed})  # fmt: skip
    kinds = {
        ColumnType.STR: pa.string(),
        ColumnType.INT: pa.int64(),
        ColumnType.BOOL: pa.bool_(),
        ColumnType.DATE: pa.date32(),
    }
    return pa.Table.from_pylist(rows, pa.schema([(c.name, kinds[c.type]) for c in CONTRACTS["customer"].columns]))


@pytest.fixture
def lake(store: Store, tmp_path: Path) -> Lake:
    return open_lake(tmp_path, store, system("lake"))


def loaded(store: Store, lake: Lake, day: date, *flags: tuple[str, bool, bool, bool]) -> tuple[int, int]:
    lake.publish("customer", customers(*flags), day)
    with store.begin(PROGRAM) as connection:
        report = load_consents(connection, lake)
    return report.words, report.kept


def test_a_file_says_something_once_and_never_undoes_a_later_refusal(store: Store, lake: Lake) -> None:
    day = date(2026, 6, 28)
    assert loaded(store, lake, day, ("C1", True, False, False), ("C2", False, True, True)) == (3, 0)
    assert loaded(store, lake, day + timedelta(days=1), ("C1", True, False, False), ("C2", False, True, True)) == (0, 0)
    assert [gate(store, "1", "C1"), gate(store, "2", "C2")] == ["", "consent:do_not_contact"]
    with store.begin(PROGRAM) as connection:
        restrict(connection, "C1", "app", {})
    # Yesterday's file again, and one that has C2 no longer listed: neither lets anybody be contacted.
    assert loaded(store, lake, day + timedelta(days=1), ("C1", True, False, False), ("C2", True, True, False)) == (1, 1)
    assert [gate(store, "3", "C1"), gate(store, "4", "C2")] == ["consent:do_not_contact", "consent:do_not_contact"]
    with store.begin(PROGRAM) as connection:
        evidence = connection.scalars(
            text("SELECT DISTINCT evidence->>'table' FROM consent_record WHERE origin = 'file'")
        ).all()
    assert evidence == ["customer"]


def test_a_withdrawal_in_a_file_calls_off_marketing_tasks_under_every_number_of_the_person(
    store: Store, load: Load, lake: Lake, put_in_book: Callable[..., None]
) -> None:
    load(person("C1", document_type="id_card", document_no="110101199005040019"))
    load(person("K1", document_type="id_card", document_no="110101199005040019"), source="card")
    with store.begin(PROGRAM) as connection:
        link_identities(connection)
        numbers = connection.scalars(text("SELECT customer_no FROM party_member")).all()
    other = next(number for number in numbers if number != "C1")
    day = date(2026, 6, 27)
    told = (("C1", True, False, False), ("C3", True, False, False), ("C4", True, False, False))
    loaded(store, lake, day, *told)
    put_in_book(["C1", other, "C3", "C4"], "B01", "M1")
    kinds = {"C1": TaskKind.CAMPAIGN, other: TaskKind.FOLLOW_UP, "C3": TaskKind.LIST, "C4": TaskKind.LIST}  # fmt: skip
    with store.begin(PROGRAM) as connection:
        connection.execute(
            text(
                "INSERT INTO org_unit (unit_id, kind, line, name_zh, name_en, valid_from) "
                "VALUES ('B01', 'branch', '*', 'x', 'x', '2026-01-01')"
            )
        )
        connection.execute(
            text("INSERT INTO staff (staff_id, name, minutes_per_day, on_leave) VALUES ('M1', 'x', 480, false)")
        )
        for number, kind in (*kinds.items(), ("C3", TaskKind.CARE)):
            task = NewTask(f"{kind}/{number}", kind, number, "B01", "x", NOW, NOW + timedelta(days=3), "M1")
            open_task(connection, task)
    # C1 withdraws, C3 is listed, C4 only declines what is chosen for them.
    silent = (("C1", False, False, False), ("C3", True, False, True), ("C4", True, True, False))
    lake.publish("customer", customers(*silent), day + timedelta(days=1))
    with store.begin(PROGRAM) as connection:
        assert load_consents(connection, lake).tasks == 3
        left = connection.execute(text("SELECT customer_no, kind FROM staff_task WHERE state = 'ASSIGNED'")).all()
    assert sorted(map(tuple, left)) == [("C3", "care"), ("C4", "list")]


def test_a_refusal_of_the_day_stands_against_the_file_of_that_day(
    store: Store, lake: Lake, store_server: EmbeddedServer, database: str, tmp_path: Path
) -> None:
    assert loaded(store, lake, date(2026, 6, 28), ("C1", False, False, False)) == (0, 0)
    with store.begin(PROGRAM) as connection:
        append_consents(connection, pa.Table.from_pylist([
            {"customer_no": "C1", "purpose": "marketing", "stands": False, "origin": "app", "said_at": datetime(2026, 6, 29, 4, tzinfo=UTC)},
        ]))  # fmt: skip
    assert loaded(store, lake, date(2026, 6, 29), ("C1", True, False, False)) == (1, 0)
    assert gate(store, "1", "C1") == "consent:no_consent"
    with attach_store(tmp_path, FixedClock(NOW + timedelta(days=3)), store_server, database) as later:
        again = open_lake(tmp_path, later, system("lake"))
        assert loaded(later, again, date(2026, 7, 1), ("C1", False, False, False)) == (1, 0)
        assert loaded(later, again, date(2026, 7, 2), ("C1", True, False, False)) == (1, 0)
        assert gate(later, "2", "C1") == ""


def test_what_stands_takes_the_place_of_what_the_files_of_a_day_said(store: Store, allow: Callable[..., None]) -> None:
    allow(["C1"])
    state = pa.table(
        {"customer_no": ["C1", "C2"], "marketing_consent": [False, True], "do_not_contact": [False, False]}
    )
    with store.begin(PROGRAM) as connection:
        found = permits(connection, state["customer_no"])
    assert found.applied(state)["marketing_consent"].to_pylist() == [True, False]
    assert np.array_equal(found.open_to("sms"), np.array([True, False]))
    assert json.dumps(found.applied(state).column_names) == json.dumps(state.column_names)
