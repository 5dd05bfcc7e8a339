"""Events by the API and the page: told twice, kept once, on the customer's line and in the lake."""

from __future__ import annotations

from datetime import timedelta
from time import sleep
from typing import Any

import pytest

from bankloop.kit.errors import LockedError
from bankloop.loop.bank import Bank
from bankloop.wiring import load
from tests.web.conftest import Staffed


def event(number: str, customer: str, at: str, kind: str = "cardless_withdraw", **fields: object) -> dict[str, Any]:
    return {
        "number": number,
        "type": kind,
        "customer_no": customer,
        "occurred_at": at,
        "channel": "app",
        "fields": fields,
    }


@pytest.fixture
def told(staffed: Staffed) -> tuple[Any, str, str]:
    """A steward's client, a manager's customer, and a moment ago."""
    moment = (staffed.small.open.store.clock.now() - timedelta(minutes=1)).isoformat()
    manager = staffed.of("relationship_manager")
    return staffed.api(staffed.of("data_steward")), staffed.own_customer(manager), moment


@pytest.mark.capability("B13")
def test_an_event_told_twice_is_on_the_customer_s_line_once(staffed: Staffed, told: tuple[Any, str, str]) -> None:
    steward, customer, moment = told
    one = event("w-77", customer, moment, amount="2,000.00")
    body = {"source": "mobile_bank", "events": [one, event("w-78", customer, moment, amuont=5)]}
    first = steward.post("/api/v1/events", json=body, headers={"idempotency-key": "tell-1"}).json()
    assert (first["taken"], first["known"], [one["code"] for one in first["refused"]]) == (1, 0, ["event.field"])
    assert "amount" in first["refused"][0]["reason"]["en"]
    again = {"source": "mobile_bank", "events": [one]}
    second = steward.post("/api/v1/events", json=again, headers={"idempotency-key": "tell-2"}).json()
    assert (second["taken"], second["known"]) == (0, 1)
    manager = staffed.client(staffed.of("relationship_manager"))
    manager.cookies.set("language", "en")
    page = manager.get(f"/customers/{customer}").text
    assert page.count("cardless withdrawal") == 1
    # The page of events says what came of them and why one was refused, to whoever keeps the data.
    keeper = staffed.client(staffed.of("data_steward"))
    keeper.cookies.set("language", "en")
    assert 'href="/events"' in keeper.get("/").text
    shown = keeper.get("/events").text
    assert "cardless withdrawal" in shown
    assert "a field that the type does not have" in shown
    traffic = steward.get("/api/v1/events/traffic").json()["items"]
    assert [(one["taken"], one["known"]) for one in traffic if one["type"] == "cardless_withdraw"] == [(1, 1)]
    types = {one["name"]: one for one in steward.get("/api/v1/events/types").json()["items"]}
    assert types["cardless_withdraw"]["fields"]["amount"]["class"] == "C2"


def test_what_was_told_is_in_the_lake_once_after_the_next_load(staffed: Staffed, told: tuple[Any, str, str]) -> None:
    steward, customer, moment = told
    bank = staffed.small.open

    def logins() -> int:
        current = bank.lake.manifest.current("event")
        assert current is not None
        with bank.lake.engine() as engine:
            asked = f"SELECT count(*) FROM {bank.lake.reading(current)} WHERE customer_no = ? AND source = 'web_bank'"
            return int(engine.execute(asked, [customer]).fetchall()[0][0])

    for key in ("tell-3", "tell-4"):
        body = {"source": "web_bank", "events": [event("l-1", customer, moment, "login")]}
        steward.post("/api/v1/events", json=body, headers={"idempotency-key": key})
    assert logins() == 0
    for _ in range(2):
        patiently_load(bank)
        assert logins() == 1


def patiently_load(bank: Bank) -> None:
    """Load as somebody would: while the bank's morning writes to the lake, a load is refused and asked for again."""
    for _ in range(600):
        try:
            load(bank)
        except LockedError:
            sleep(0.1)
        else:
            return
    raise AssertionError("the lake was never free")


def test_a_source_without_the_right_tells_nothing_and_bad_bodies_are_refused_at_their_field(
    staffed: Staffed, told: tuple[Any, str, str]
) -> None:
    steward, customer, moment = told
    body = {"source": "mobile_bank", "events": [event("x-1", customer, moment, amount=1)]}
    stranger = staffed.api("strategist")
    assert stranger.post("/api/v1/events", json=body, headers={"idempotency-key": "t-4"}).status_code == 403
    for wrong in (
        {"source": "mobile_bank", "events": []},
        {"source": "mobile_bank", "events": [event("", customer, moment)]},
        {"source": "mobile_bank", "events": [event("x-2", customer, "yesterday")]},
        {"source": "mobile_bank", "events": [event("x-3", customer, moment, amount={"deep": 1})]},
        {"source": "mobile_bank", "events": [event(f"y-{n}", customer, moment) for n in range(1_001)]},
    ):
        done = steward.post("/api/v1/events", json=wrong, headers={"idempotency-key": f"t-{len(str(wrong))}"})
        assert done.status_code == 422, done.text
