"""Asking is deciding: what passes and what is refused, once, screened before it is queued; nothing of it without a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from bankloop.contact.asking import SCREENED, AskedContacts, Asker, DecisionClass, Intent, ask
from bankloop.contact.contracts import Cap
from bankloop.loop.offering.shelf import closed_contacts
from bankloop.loop.product import Notice, ShelfInForce, WhyNot
from bankloop.loop.spec import Availability
from bankloop.organization.principals import system
from bankloop.store.database import Store
from bankloop.store.history import read_decisions
from tests.contact.decisions import decisions_by_class

PROGRAM = system("care")
DAY = date(2026, 6, 30)
SEEN = datetime(2026, 6, 1, tzinfo=UTC)
MARKETING = Asker("care:spring", DecisionClass.MARKETING, "spring")
SERVICE = Asker("care:notice", DecisionClass.SERVICE, "notice")
CAPS = (Cap("*", 1, 7),)
Contacts = Sequence[Mapping[str, Any]]


def intent(number: int, customer: str = "", product: str = "fund-1", channel: str = "sms") -> Intent:
    action = f"{product}|none|{channel}"
    return Intent(str(UUID(int=number)), customer or f"C{number:04d}", "S0001", channel, action, DAY, "why", 7, "t@1")


def everything(_connection: Connection, contacts: Contacts) -> Contacts:
    return contacts


def asked(store: Store, programme: Asker, *intents: Intent, screen: Any = everything) -> AskedContacts:
    with store.begin(PROGRAM) as connection:
        return ask(connection, programme, intents, screen, CAPS)


def queued(store: Store) -> list[dict[str, Any]]:
    with store.begin(PROGRAM) as connection:
        return list(connection.scalars(text("SELECT payload FROM outbox WHERE topic = 'delivery' ORDER BY id")))


def test_what_is_asked_for_is_decided_reserved_and_queued_once(
    store: Store, allow: Callable[[Iterable[str]], None]
) -> None:
    allow(["C0001", "C0002"])
    wanted = [intent(1), intent(2), intent(3), intent(4, "C0001")]
    done = asked(store, MARKETING, *wanted)
    assert [one.customer_no for one in done.passed] == ["C0001", "C0002"]
    assert done.refused == {"consent:no_consent": 1, CAPS[0].name: 1}
    (part,) = queued(store)
    assert (part["class"], part["campaign"], part["channel"]) == ("marketing", "spring", "sms")
    assert [one["customer_no"] for one in part["contacts"]] == ["C0001", "C0002"]
    again = asked(store, MARKETING, *wanted)
    assert (again.passed, again.refused) == ((), done.refused)
    assert len(queued(store)) == 1
    with store.begin(PROGRAM) as connection:
        assert decisions_by_class(connection) == {("care:spring", 0, "marketing"): 4}
        kept = read_decisions(connection, ["care:spring"]).to_pylist()[0]
        assert (kept["issued_action"], kept["reasons"], kept["propensities"]) == (
            "fund-1|none|sms", ["why"], '{"fund-1|none|sms": 1000000}',
        )  # fmt: skip
        unmade = "SELECT count(*) FROM contact WHERE decision_id NOT IN (SELECT decision_id FROM decision)"
        assert connection.scalar(text(unmade)) == 0


def test_service_asks_no_consent_and_no_cap_and_what_the_screen_holds_back_is_not_queued(store: Store) -> None:
    def but_the_second(_connection: Connection, contacts: Contacts) -> Contacts:
        return [one for one in contacts if one["customer_no"] != "C0002"]

    done = asked(store, SERVICE, intent(1), intent(2), intent(5, "C0001"), screen=but_the_second)
    assert [one.decision_id for one in done.passed] == [intent(1).decision_id, intent(5).decision_id]
    assert done.refused == {SCREENED: 1}
    assert [len(part["contacts"]) for part in queued(store)] == [2]


@pytest.mark.parametrize("key", ["spring", "", ":", "care:", ":spring"])
def test_a_programme_s_key_is_none_that_a_campaign_could_have(key: str) -> None:
    with pytest.raises(ValueError, match="ROOM:NAME"):
        Asker(key, DecisionClass.SERVICE, "")


def test_nothing_asked_is_nothing_done(store: Store) -> None:
    assert asked(store, MARKETING) == AskedContacts((), {})
    assert queued(store) == []


def test_a_failure_on_the_way_leaves_nothing(store: Store) -> None:
    def failing(_connection: Connection, contacts: Contacts) -> Contacts:
        raise RuntimeError("the screen is down")

    with pytest.raises(RuntimeError):
        asked(store, SERVICE, intent(1), screen=failing)
    with store.begin(PROGRAM) as connection:
        assert decisions_by_class(connection) == {}
        assert connection.scalar(text("SELECT count(*) FROM contact")) == 0


@pytest.mark.parametrize(
    ("where", "programme", "why"),
    [
        (Availability(on=False), MARKETING, WhyNot.OFF_SHELF),
        (Availability(channels=("app_push",)), MARKETING, WhyNot.NOT_HERE),
        (Availability(channels=("sms",)), MARKETING, None),
        (Availability(branches=("S0002",)), MARKETING, WhyNot.NOT_HERE),
        (Availability(segments=("young",)), MARKETING, WhyNot.NOT_HERE),
        # Who holds what left the shelf is still told of it.
        (Availability(on=False), SERVICE, None),
    ],
)
def test_the_shelf_screens_what_a_programme_sells_and_lets_service_through(
    store: Store, where: Availability, programme: Asker, why: WhyNot | None
) -> None:
    asked(store, programme, intent(1), intent(2, product="deposit"))
    shelf = ShelfInForce({"fund-1": Notice("fund-1", where, None, SEEN)})
    contacts = [{"contact": one.decision_id, "action": one.action} for one in (intent(1), intent(2, product="deposit"))]
    # A task names its product alone.
    plain = [{**contacts[0], "action": "fund-1"}]
    with store.begin(PROGRAM) as connection:
        assert closed_contacts(connection, shelf, contacts) == ({intent(1).decision_id: why} if why else {})
        if where.channels is None:
            assert closed_contacts(connection, shelf, plain) == ({intent(1).decision_id: why} if why else {})
