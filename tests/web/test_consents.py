"""Consent on the page and through the API: shown within scope, written down once, effective at once."""

from __future__ import annotations

import re
from datetime import timedelta

from bankloop.organization.principals import auditor
from bankloop.store.audit import read_audit
from bankloop.store.contracts import Role
from tests.web.conftest import Staffed

PROOF = {"form": "M-2026-03", "proof": "scan-7"}


def test_a_manager_writes_down_what_their_customer_says(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    number, client = staffed.own_customer(manager), staffed.client(manager)
    before = client.get(f"/customers/{number}").text
    assert number not in re.sub(r"""(?:href|action)="[^"]*\"""", "", before)
    csrf = re.search(r'name="csrf" value="([^"]+)"', before)
    assert csrf is not None
    form = {"csrf": csrf[1], "purpose": "no_marketing", "says": "yes", "channel": "*", "origin": "manager"}
    after = client.post(f"/customers/{number}/consents", data=form)
    assert "客户要求停止全部营销" in after.text
    client.cookies.set("language", "en")
    assert "the customer stopped all marketing" in client.get(f"/customers/{number}").text
    empty = client.post(f"/customers/{number}/consents", data={"csrf": csrf[1]})
    assert empty.status_code == 400
    assert "unknown purpose" in empty.text
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        rows = [row for row in read_audit(connection, subject=number) if row.verb == "consent.record"]
    assert [row.principal for row in rows] == [manager]


def test_the_api_says_what_stands_and_takes_a_word_once(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    number, api = staffed.own_customer(manager), staffed.api(manager)
    word = {"purpose": "survey", "stands": True, "origin": "manager", "evidence": PROOF}
    key = {"idempotency-key": "word-1"}
    first = api.post(f"/api/v1/customers/{number}/consents", json=word, headers=key)
    again = api.post(f"/api/v1/customers/{number}/consents", json=word, headers=key)
    assert (first.status_code, again.json()) == (201, first.json())
    seen = api.get(f"/api/v1/customers/{number}/consents").json()
    assert [row["purpose"] for row in seen["ledger"]].count("survey") == 1
    assert {one["purpose"]: one["stands"] for one in seen["words"]}["survey"] is True
    bare = api.post(
        f"/api/v1/customers/{number}/consents", json={**word, "evidence": {}}, headers={"idempotency-key": "w-2"}
    )
    assert (bare.status_code, bare.json()["code"]) == (400, "consent.word")
    plan = api.get(f"/api/v1/customers/{number}/erasure").json()
    assert {one["category"]: one["fate"] for one in plan["rulings"]}["identity"] == "kept"


def test_out_of_scope_and_unknown_are_told_alike(staffed: Staffed) -> None:
    api = staffed.api(staffed.of("relationship_manager"))
    strangers = api.get("/api/v1/customers/C999999999/consents")
    assert (strangers.status_code, strangers.json()["code"]) == (404, "consent.no_customer")
    assert staffed.client("secadmin").get("/customers/C1").status_code == 403


def test_interactions_are_taken_in_by_the_api_where_customers_allow_it(staffed: Staffed) -> None:
    steward = staffed.api(staffed.of("data_steward"))
    number = staffed.own_customer(staffed.of("relationship_manager"))
    moment = (staffed.small.open.store.clock.now() - timedelta(minutes=1)).isoformat()
    items = [{"key": 71, "customer_no": number, "kind": "wecom_group", "occurred_at": moment}]
    body = {"channel": "wecom", "items": items}
    done = steward.post("/api/v1/interactions", json=body, headers={"idempotency-key": "talk-1"})
    assert done.json() == {"taken": 0, "known": 0, "refused": 1, "unknown": 0}
    assert (
        staffed.api("strategist")
        .post("/api/v1/interactions", json=body, headers={"idempotency-key": "talk-2"})
        .status_code
        == 403
    )
