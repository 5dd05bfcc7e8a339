"""Events at their door: once each, in any order, what fits beside what does not, and nothing that needs a consent without it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.customer.consent import Purpose
from bankloop.customer.event import (
    EventsTaken,
    EventState,
    GivenEvent,
    SeenEvent,
    bring_events,
    events_since,
    may_take,
    own_number,
    read_event_types,
    take_events,
    traffic_of,
)
from bankloop.customer.event.rules import fitted_fields
from bankloop.kit.errors import DeniedError, InputError, SpecError
from bankloop.kit.text import Language
from bankloop.lake.service import open_lake
from bankloop.organization.principals import auditor, system
from bankloop.store import hearings
from bankloop.store.audit import read_audit
from bankloop.store.contracts import Role
from bankloop.store.hearings import when_taken
from bankloop.web.pages.customers.customer_page import glance
from tests.customer.test_consent import NOW, Folk, folk, said, word
from tests.customer.test_overview import look

__all__ = ["folk"]

ZONE = "Asia/Shanghai"
TYPES = read_event_types()


def tell(folk: Folk, source: str, *events: GivenEvent, who: str = "data_steward") -> EventsTaken:
    with folk.store.begin(folk.who(who, "quality")) as connection:
        return take_events(connection, TYPES, source, events, ZONE)


def viewed(number: str, at: datetime, customer: str = "C0001", **fields: object) -> GivenEvent:
    return GivenEvent(number, "page_view", customer, at, "app", {"page": "wealth", **fields})


def message(number: int, at: datetime, customer: str = "C0001") -> GivenEvent:
    return GivenEvent(str(number), "wecom_message", customer, at, "wecom")


def states(done: EventsTaken) -> list[str]:
    return [one.code or one.state.value for one in done.verdicts]


def kept(folk: Folk, source: str) -> int:
    with folk.store.begin(system("test")) as connection:
        return connection.scalar(text("SELECT count(*) FROM event WHERE source = :s"), {"s": source}) or 0


def test_one_number_is_stored_once_in_any_order_and_what_does_not_fit_is_refused_alone(folk: Folk) -> None:
    now = folk.store.clock.now()
    first = viewed("a-1", now - timedelta(hours=1))
    done = tell(
        folk,
        "mobile_bank",
        first,
        viewed("a-2", now - timedelta(days=3)),
        viewed("a-3", now + timedelta(minutes=1)),
        viewed("a-4", now - timedelta(days=401)),
        GivenEvent("a-5", "page_veiw", "C0001", now),
        viewed("a-6", now, seconds="long"),
        viewed("a-7", now, pages=2),
        GivenEvent("a-8", "page_view", "C0001", now),
        viewed("a-9", now, customer="C9999"),
        GivenEvent("a-10", "queue_ticket", "C0001", now, fields={"outlet": "S0001"}),
        first,
    )
    assert states(done) == [
        "taken", "taken", "event.future", "event.too_old", "event.type", "event.value", "event.field", "event.missing",
        "event.customer", "event.source", "known",
    ]  # fmt: skip
    assert [one.late for one in done.verdicts[:2]] == [False, True]
    assert "page_view" in done.verdicts[4].reason.en  # type: ignore[union-attr]
    assert "page" in done.verdicts[6].reason.en  # type: ignore[union-attr]
    # Told again, alone or among others, it is known; under its number nothing else is taken in, whoever it is of.
    assert states(tell(folk, "mobile_bank", first)) == ["known"]
    assert states(tell(folk, "mobile_bank", viewed("a-1", now - timedelta(hours=2)))) == ["event.contradicts"]
    assert states(tell(folk, "mobile_bank", viewed("a-1", now - timedelta(hours=1), "C0002"))) == ["event.contradicts"]
    assert states(tell(folk, "web_bank", first)) == ["taken"]  # another source numbers its own
    assert kept(folk, "mobile_bank") == 2
    with folk.store.begin(system("test")) as connection:
        told = {(one.type, one.source): one for one in traffic_of(connection, now - timedelta(days=1))}
    views = told["page_view", "mobile_bank"]
    assert (views.taken, views.late, views.known) == (2, 1, 2)
    assert views.refused == {
        "event.contradicts": 2, "event.future": 1, "event.too_old": 1, "event.value": 1, "event.field": 1,
        "event.missing": 1, "event.customer": 1,
    }  # fmt: skip
    assert told["", "mobile_bank"].refused == {"event.type": 1}


def test_many_who_tell_the_same_at_once_store_it_once(folk: Folk) -> None:
    now = folk.store.clock.now()
    found: list[EventsTaken] = []
    together = threading.Barrier(6)

    def source() -> None:
        together.wait(30)
        found.append(tell(folk, "mobile_bank", *(viewed(f"same-{n}", now - timedelta(minutes=n)) for n in range(20))))

    threads = [threading.Thread(target=source) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(one.count(EventState.TAKEN) for one in found) == 20
    assert sum(one.count(EventState.KNOWN) for one in found) == 100
    assert kept(folk, "mobile_bank") == 20


def test_whoever_hears_is_told_what_is_new_and_in_the_same_transaction(
    folk: Folk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, heard = folk.store.clock.now(), list[SeenEvent]()
    monkeypatch.setattr(hearings, "_hearing", [])
    when_taken(lambda _, fresh: heard.extend(fresh))
    given = GivenEvent("t-1", "transfer_out", "C0001", now, "app", {"amount": "60,000.50", "reason": "own"})
    tell(folk, "core", given, given)
    tell(folk, "core", given)
    assert [(one.type, one.fields) for one in heard] == [
        ("transfer_out", {"amount": 60_000_50, "reason": "own", "_number": "t-1"})
    ]
    with folk.store.begin(system("test")) as connection:
        assert events_since(connection, ["C0001"], ["transfer_out"], now - timedelta(hours=1)) == heard

    def refuse(_: object, __: object) -> None:
        raise RuntimeError("nobody may have it")

    when_taken(refuse)
    with pytest.raises(RuntimeError):
        tell(folk, "core", GivenEvent("t-2", "transfer_out", "C0001", now, fields={"amount": 1}))
    assert kept(folk, "core") == 1


@pytest.mark.capability("B19")
def test_without_consent_nothing_is_ingested_and_with_it_the_customer_s_page_shows_it(
    folk: Folk, tmp_path: Path
) -> None:
    lake, now = open_lake(tmp_path, folk.store, system("lake")), folk.store.clock.now()
    hours = [now - timedelta(hours=n) for n in (3, 2, 1)]

    def shown() -> list[str]:
        with folk.store.begin(folk.who("M00001", "service")) as connection:
            seen = glance(look(connection, lake, "C0001"), {}, ZONE, TYPES)
        return [row[1] for row in seen.interactions.said(Language.EN)]

    # Nobody asked: refused, and of it there is a count and nothing else.
    assert states(tell(folk, "wecom", message(1, hours[0]), message(2, hours[0], "C9999"))) == [
        "event.no_consent",
        "event.customer",
    ]
    assert (kept(folk, "wecom"), shown()) == (0, [])
    with folk.store.begin(auditor(), Role.AUDITOR) as connection:
        [row] = [one for one in read_audit(connection) if one.verb == "event.append"]
    refused = {"event.customer": 1, "event.no_consent": 1}
    assert row.after == {"taken": 0, "late": 0, "known": 0, "refused": refused}
    # Consent counts for what comes after it, each once.
    word(folk, "experience", True, said_at=hours[1])
    assert states(tell(folk, "wecom", message(1, hours[0]), message(3, hours[2]))) == ["event.no_consent", "taken"]
    assert states(tell(folk, "wecom", message(3, hours[2]))) == ["known"]
    assert (kept(folk, "wecom"), shown()) == (1, ["WeCom message"])
    word(folk, "experience", False)
    assert states(tell(folk, "wecom", message(4, hours[2]))) == ["event.no_consent"]
    assert kept(folk, "wecom") == 1
    # What may be withdrawn stays in the store.
    assert bring_events(folk.store, lake, tmp_path) is None


def test_consent_to_something_else_or_for_another_channel_is_none() -> None:
    after = NOW - timedelta(days=1)
    purpose = Purpose.EXPERIENCE
    assert may_take([said(purpose, True)], purpose, "wecom", after)
    assert may_take([said(purpose, True, channel="wecom")], purpose, "wecom", after)
    for words in (
        [],
        [said(Purpose.MARKETING, True)],
        [said(purpose, True, channel="app")],
        [said(purpose, True), said(purpose, False, 1)],
        [said(purpose, True), said(purpose, False, 1, "wecom")],
    ):
        assert not may_take(words, purpose, "wecom", after)


def test_who_may_not_tell_is_refused(folk: Folk) -> None:
    with pytest.raises(DeniedError):
        tell(folk, "mobile_bank", viewed("5", folk.store.clock.now()), who="system_admin")
    assert kept(folk, "mobile_bank") == 0


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("transfer_out", "amount", True), ("transfer_out", "amount", "1.234,56"), ("transfer_out", "amount", 1e300),
        ("transfer_out", "amount", [1]), ("page_view", "page", 7), ("page_view", "page", "x" * 201),
        ("page_view", "page", "a\x00b"), ("page_view", "seconds", 1.5), ("page_view", "seconds", 2**63),
        ("page_view", "seconds", "3"),
    ],
)  # fmt: skip
def test_a_value_is_of_its_field_s_type(kind: str, field: str, value: object) -> None:
    told = GivenEvent("1", kind, "C1", NOW, fields={**({"page": "p"} if kind == "page_view" else {}), field: value})
    with pytest.raises(InputError) as error:
        fitted_fields(TYPES[kind], told, "mobile_bank", NOW)
    assert (error.value.code, field in error.value.message.zh) == ("event.value", True)


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100))
def test_numbers_stand_for_themselves_and_differ(one: str, other: str) -> None:
    assert 0 <= own_number(one) < 2**63
    assert (own_number(one) == own_number(other)) == (one == other)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["page", "seconds", "amount"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        max_size=3,
    )
)
def test_any_fields_fit_or_are_refused(fields: Mapping[str, object]) -> None:
    told = GivenEvent("1", "page_view", "C1", NOW, fields=fields)
    with suppress(InputError):
        assert set(fitted_fields(TYPES["page_view"], told, "web_bank", NOW)) <= {"page", "seconds"}


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("events:\n  - {event: Page, title: {zh: a, en: b}, sources: [x]}", 2),
        ("events:\n  - event: page\n    title: {zh: a, en: b}\n    sources: []", 4),
        ("events:\n  - event: page\n    title: {zh: a}\n    sources: [x]", 3),
        ("events:\n  - event: page\n    title: {zh: a, en: b}\n    sources: [x]\n    fields:\n      pin: {title: {zh: a, en: b}, type: string, class: C3}", 6),
        ("events:\n  - event: page\n    title: {zh: a, en: b}\n    sources: [x]\n    fields:\n      pin: {title: {zh: a, en: b}, type: score}", 6),
        ("events:\n  - event: page\n    title: {zh: a, en: b}\n    sources: [x]\n    consents: experience", 5),
        ("events:\n  - event: page\n    title: {zh: a, en: b}\n    sources: [x]\n    consent: marketting", 5),
        ("events:\n  - &a {event: page, title: {zh: a, en: b}, sources: [x]}\n  - *a", 2),
        ("types: []", 1),
    ],
)  # fmt: skip
def test_a_file_of_types_that_is_wrong_says_where(tmp_path: Path, written: str, line: int) -> None:
    (tmp_path / "events.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(SpecError, match=f"events.yaml:{line}"):
        read_event_types(tmp_path)


def test_a_bank_s_own_types_stand_beside_those_of_every_bank(tmp_path: Path) -> None:
    own = "events:\n  - {event: arrival, title: {zh: 到店, en: arrival}, sources: [gate], days: 2}\n"
    (tmp_path / "events.yaml").write_text(own, encoding="utf-8")
    found = read_event_types(tmp_path)
    assert set(TYPES) | {"arrival"} == set(found)
    old = GivenEvent("1", "arrival", "C1", datetime(2026, 6, 27, tzinfo=UTC))
    with pytest.raises(InputError, match="2 days"):
        fitted_fields(found["arrival"], old, "gate", NOW)
