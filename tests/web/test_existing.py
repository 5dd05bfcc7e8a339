"""What does not exist is refused by the door that names it: one name at a time is made up, all others being there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bankloop.organization.principals import system
from bankloop.web.api.schema import described
from tests.web.conftest import Staffed

NOBODY = "nobody-7"
# Where the number of a customer of another line is told only by its beginning.
TOLD = NOBODY[:4]
# Role, address, and which names of address and body are made up, one after the other.
DOORS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("hq_strategist", "/tasks", ("customer_no", "unit_id", "staff_id", "kind")),
    ("hq_strategist", "/credits", ("customer_no", "unit_id", "shares")),
    ("hq_strategist", "/transfers", ("from_staff", "to_staff")),
    ("hq_strategist", "/agreements", ("to_unit",)),
    ("hq_strategist", "/targets", ("measure", "weights")),
    ("relationship_manager", "/collaborations/refer", ("about_no", "topic")),
    ("relationship_manager", "/collaborations/ask", ("about_no", "topic")),
    ("relationship_manager", "/customers/{customer_no}/consents", ("{customer_no}", "purpose")),
    ("relationship_manager", "/customers/{customer_no}/unmask", ("{customer_no}", "fields")),
    ("branch_commander", "/narrowings", ("unit", "campaign", "withheld")),
    ("security_admin", "/grants", ("role", "units")),
    ("security_admin", "/machines", ("person_id",)),
    ("system_admin", "/people", ("unit_id",)),
    ("system_admin", "/people/{staff_id}/deputy", ("{staff_id}", "deputy")),
    ("system_admin", "/people/{staff_id}/move", ("{staff_id}", "unit_id")),
    ("system_admin", "/units", ("parent_id",)),
    ("product_manager", "/products/{key}/changes", ("{key}", "branches", "channels")),
    ("hq_strategist", "/campaigns/{name}/submit", ("{name}",)),
    ("hq_strategist", "/campaigns/{name}/dispatch", ("{name}",)),
    ("hq_strategist", "/segments/{name}/activate", ("{name}",)),
)

# What a door wants of its own under a common name.
OTHERWISE: Mapping[str, Mapping[str, str]] = {
    "/collaborations/ask": {"topic": "pricing"},
    "/units": {"unit_id": "existing-1", "kind": "sub_branch"},
}


@pytest.fixture(scope="module")
def real(staffed: Staffed) -> dict[str, Any]:
    """Bodies whose every name is there, by field."""
    manager = staffed.of("relationship_manager")
    customer, now = staffed.own_customer(manager), staffed.small.open.clock.now()
    with staffed.small.open.store.begin(system()) as connection:
        unit, branch = connection.execute(
            text(
                "SELECT b.unit_id, u.parent_id FROM customer_book b JOIN org_unit u USING (unit_id) "
                "WHERE b.customer_no = :c AND b.valid_to IS NULL AND u.valid_to IS NULL LIMIT 1"
            ),
            {"c": customer},
        ).one()
        below = connection.scalars(
            text("SELECT unit_id FROM org_unit WHERE kind = 'branch' AND valid_to IS NULL")
        ).all()
        other = connection.scalar(
            text(
                "SELECT staff_id FROM staff_post WHERE unit_id = :u AND post = 'relationship_manager' AND staff_id <> :m"
            ),
            {"u": unit, "m": manager},
        )
    return {
        "key": "existing/1", "kind": "care", "customer_no": customer, "unit_id": unit, "staff_id": manager, "reason": "x", "name": "x",
        "start_at": now.isoformat(), "due_at": (now + timedelta(days=1)).isoformat(), "what": "wealth", "amount_fen": 100,
        "happened_on": "2026-06-29", "shares": [{"staff_id": manager, "line": "retail", "share": "1"}], "from_staff": manager,
        "to_staff": other, "agreement_id": "existing-1", "owner_line": "retail", "to_line": "corporate", "purpose": "marketing",
        "fields": ["name_token"], "valid_to": "2027-01-01T00:00:00Z", "to_unit": unit, "measure": "tasks", "first": "2026-07-01",
        "last": "2026-07-31", "total": 10, "weights": dict.fromkeys(below, "1"), "about_no": customer, "topic": "corporate_loan",
        "need": "x", "agreed": True, "company": "x", "stands": True, "origin": "letter", "ticket": "T1", "unit": branch, "campaign": "bind-card",
        "per_week": 1, "withheld": [], "person_id": manager, "role": "data_scientist", "units": [], "title": "x", "scopes": ["read"],
        "post": "teller", "deputy": other, "parent_id": branch, "zh": "x", "en": "x", "branches": [branch], "channels": ["sms"],
        "version": 1, "round": 1,
    }  # fmt: skip


def made_up(field: str, value: Any) -> Any:
    """Return a value of a field's shape in which the name is of nothing."""
    match value:
        case [{"staff_id": _}]:
            return [{**value[0], "staff_id": NOBODY}]
        case list():
            return [NOBODY]
        case dict():
            return {**value, NOBODY: "1"}
        case _:
            return NOBODY


def named(document: Mapping[str, Any], path: str, real: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body of an operation: of its fields those that have a real value."""
    sent = document["paths"][f"/api/v1{path}"]["post"].get("requestBody", {}).get("content", {}).get("application/json")
    if sent is None:
        return {}
    schema = document["components"]["schemas"][sent["schema"]["$ref"].rsplit("/", 1)[1]]
    return {name: real[name] for name in schema["properties"] if name in real}


@pytest.mark.parametrize(("role", "path", "fields"), DOORS, ids=[f"{path}" for _, path, _ in DOORS])
def test_a_name_of_nothing_is_refused_by_that_name(
    staffed: Staffed, real: dict[str, Any], role: str, path: str, fields: tuple[str, ...]
) -> None:
    document, client = described(staffed.app), staffed.api(staffed.of(role))
    for field in fields:
        where, body = f"/api/v1{path}", named(document, path, real)
        for name in ("customer_no", "staff_id", "name", "key"):
            own = NOBODY if field == f"{{{name}}}" else "term-deposit-renewal" if name == "key" else str(real[name])
            where = where.replace(f"{{{name}}}", own)
        body |= OTHERWISE.get(path, {})
        if not field.startswith("{"):
            assert field in body, (path, field)
            body[field] = made_up(field, body[field])
        answer = client.post(where, json=body, headers={"idempotency-key": uuid.uuid4().hex})
        assert answer.status_code in (400, 403, 404, 409, 422), (path, field, answer.status_code, answer.text)
        assert answer.json()["code"] not in ("rights.denied", "request.scope"), (path, field, answer.text)
        if not field.startswith("{") or "customer" in field:
            assert TOLD in answer.text or answer.json()["code"] == "page.query", (path, field, answer.text)


def test_no_task_no_deal_and_no_transfer_of_nobody_was_made(staffed: Staffed) -> None:
    with staffed.small.open.store.begin(system()) as connection:
        for table in ("staff_task", "credit_deal"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table} WHERE customer_no LIKE 'nobody%'")) == 0
        assert connection.scalar(text("SELECT count(*) FROM book_transfer WHERE to_staff LIKE 'nobody%'")) == 0
