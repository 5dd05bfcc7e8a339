"""Slots by API and page: decided while a customer looks, counted as the channel says, and a refusal heard everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.contact.contracts import CONTACT_SCHEMA
from bankloop.contact.gate import reserve_contacts
from bankloop.organization.people import book_of
from bankloop.organization.principals import system
from tests.web.conftest import Staffed

SLOT, SCREEN = "app_banner", "vtm_screen"


def ask(staffed: Staffed, customer: str, slot: str, **more: Any) -> dict[str, Any]:
    answer = staffed.api("steward").post("/api/v1/decisions", json={"customer_no": customer, "slot": slot, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tell(staffed: Staffed, decision: str, outcome: str) -> dict[str, Any]:
    now = staffed.small.open.clock.now().isoformat()
    body = {"decision_id": decision, "outcome": outcome, "occurred_at": now}
    answer = staffed.api("steward").post("/api/v1/outcomes", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def contacts_of(staffed: Staffed, decision: str) -> list[tuple[str, str, bool]]:
    with staffed.small.open.store.begin(system()) as connection:
        query = text("SELECT channel, contact_class, accepted FROM contact WHERE decision_id = :id")
        return [tuple(row) for row in connection.execute(query, {"id": UUID(decision)})]


@pytest.fixture(scope="module")
def waiting(staffed: Staffed) -> Iterator[str]:
    """Customers whom the campaign wants and whom its round left for those who come by."""
    with staffed.small.open.store.begin(system()) as connection:
        found = connection.scalars(
            text(
                "SELECT customer_no FROM decision WHERE campaign = 'bind-card' AND placement = 'outbound' "
                "AND coalesce(issued_action, '') = '' AND cell = 'optimize' ORDER BY customer_no"
            )
        ).all()
    shown = [one for one in found if ask(staffed, one, SCREEN, dry_run=True)["code"] == "shown"]
    assert len(shown) >= 4
    return iter(shown)


@pytest.mark.capability("D10")
def test_an_offer_on_a_vtm_screen_counts_as_a_contact_and_one_in_the_app_as_an_impression(
    staffed: Staffed, waiting: Iterator[str]
) -> None:
    customer = next(waiting)
    before = staffed.client("strategist").get(f"/customers/{customer}").text
    assert ask(staffed, customer, SCREEN, dry_run=True)["decision_id"] == ""
    shown = ask(staffed, customer, SCREEN)
    assert shown["code"] == "shown"
    assert shown["said"]["zh"]
    assert contacts_of(staffed, shown["decision_id"]) == [(SCREEN, "marketing", True)]
    page = staffed.client("strategist").get(f"/customers/{customer}").text
    assert SCREEN in page.replace(before, "")
    again = ask(staffed, customer, SCREEN)
    assert (again["decision_id"], again["known"]) == (shown["decision_id"], True)
    assert contacts_of(staffed, shown["decision_id"]) == [(SCREEN, "marketing", True)]
    listed = staffed.api("strategist").get("/api/v1/slots").json()["items"]
    assert {one["slot"]: one["counts"] for one in listed} == {SLOT: "impression", SCREEN: "contact"}
    assert next(one for one in listed if one["slot"] == SCREEN)["issued"] >= 1


@pytest.mark.capability("D18")
def test_an_offer_declined_at_a_screen_is_declined_for_the_manager_and_on_every_channel(
    staffed: Staffed,
) -> None:
    keeper = staffed.of("relationship_manager")
    with staffed.small.open.store.begin(system()) as connection:
        own = [one.customer_no for one in book_of(connection, keeper, limit=500)]
    customer = next(one for one in own if ask(staffed, one, SCREEN, dry_run=True)["code"] == "shown")
    shown = ask(staffed, customer, SCREEN)
    assert tell(staffed, shown["decision_id"], "shown")["new"]
    assert tell(staffed, shown["decision_id"], "declined")["new"]
    assert not tell(staffed, shown["decision_id"], "declined")["new"]
    with staffed.small.open.store.begin(system()) as connection:
        asked = {
            "decision_id": str(uuid4()), "customer_no": customer, "unit_id": "*", "channel": "sms", "campaign": "bind-card",
            "contact_class": "marketing", "due_at": staffed.small.open.clock.now(),
        }  # fmt: skip
        bot = reserve_contacts(connection, pa.Table.from_pylist([asked], CONTACT_SCHEMA), ()).to_pylist()[0]
    assert bot["refused_by"] == "declined"
    assert ask(staffed, customer, SCREEN)["code"] == "declined"
    assert ask(staffed, customer, SLOT)["code"] in ("declined", "consent", "nothing_open")
    page = staffed.client(keeper).get(f"/customers/{customer}")
    assert page.status_code == 200
    assert 'id="declined"' in page.text
    assert "已拒绝" in page.text
    assert "优惠被拒绝" in page.text


def test_every_decision_says_why_and_a_stranger_s_is_not_there(staffed: Staffed, waiting: Iterator[str]) -> None:
    shown = ask(staffed, next(waiting), SCREEN)
    api = staffed.api("strategist")
    found = api.get(f"/api/v1/decisions/{shown['decision_id']}/explain").json()
    assert (found["slot"], found["campaign"], found["issued"]) == (SCREEN, "bind-card", shown["action"])
    assert found["ranked"] == shown["ranked"]
    assert found["ranked"][0]["reason"]["en"] == "Chosen"
    assert api.get(f"/api/v1/decisions/{uuid4()}/explain").status_code == 404


def test_what_cannot_be_is_refused_with_place_reason_and_cure(staffed: Staffed, waiting: Iterator[str]) -> None:
    customer, api = next(waiting), staffed.api("steward")
    wrong = api.post("/api/v1/decisions", json={"customer_no": customer, "slot": "vtm_scren"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "realtime.no_slot")
    assert SCREEN in wrong.json()["en"]
    assert api.post("/api/v1/decisions", json={"customer_no": "C99999999", "slot": SCREEN}).status_code == 404
    manager = staffed.api(staffed.of("relationship_manager"))
    denied = manager.post("/api/v1/decisions", json={"customer_no": customer, "slot": SCREEN})
    assert denied.status_code == 403
    late = {"decision_id": str(uuid4()), "outcome": "clicked", "occurred_at": "2026-06-30T10:00:00+08:00"}
    assert api.post("/api/v1/outcomes", json=late).json()["code"] == "realtime.no_decision"
    assert api.post("/api/v1/outcomes", json={**late, "outcome": "seen"}).status_code == 422


def test_the_page_shows_today_and_what_somebody_would_be_shown(staffed: Staffed, waiting: Iterator[str]) -> None:
    customer, client = next(waiting, ""), staffed.client("strategist")
    page = client.get("/slots").text
    assert "掌银首页横幅" in page
    assert 'href="/slots"' in client.get("/").text
    looked = client.get("/slots", params={"customer": customer or "C00000001", "slot": SCREEN})
    assert looked.status_code == 200
    assert "会展示" in looked.text or "不展示" in looked.text
    wrong = client.get("/slots", params={"customer": "C99999999", "slot": SCREEN})
    assert wrong.status_code == 400
    assert "C99999999" in wrong.text
