"""The plan's page: decisions by fiat answered, exports by right and with their trail, customers masked."""

from __future__ import annotations

from sqlalchemy import text

from bankloop.organization.principals import auditor
from bankloop.store.contracts import Role
from tests.web.conftest import Staffed


def test_a_decision_by_fiat_is_answered_on_the_page(staffed: Staffed, plan_id: str) -> None:
    client = staffed.client("strategist")
    client.cookies.set("language", "en")
    page = client.get(f"/plan/{plan_id}?lever=campaign:keep-deposits").text
    assert 'id="fiat"' in page
    assert "Now and if" in page
    assert "Who is reached, by group" in page
    assert "how far from the oracle" in page
    assert "Only the simulator knows the truth" in page
    assert client.get(f"/plan/{plan_id}?lever=campaign:none").status_code == 400


def exports(staffed: Staffed) -> int:
    """How many exports of plans the trail knows."""
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        return int(connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'plan.export'")) or 0)


def test_exports_are_by_right_masked_and_leave_a_trail(staffed: Staffed, plan_id: str) -> None:
    client, before = staffed.client("strategist"), exports(staffed)
    for kind in ("xlsx", "csv", "parquet", "json"):
        answer = client.get(f"/plan/{plan_id}/export?part=lines&format={kind}")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["content-disposition"]
    rows = client.get(f"/plan/{plan_id}/export?part=customers&format=csv").text
    numbers = set(staffed.small.window.plan.candidates.customer_no.to_pylist())
    assert not any(cell in numbers for line in rows.splitlines() for cell in line.split(","))
    assert client.get(f"/plan/{plan_id}/export?part=customers&format=exe").status_code == 400
    assert staffed.client("product").get(f"/plan/{plan_id}/export").status_code == 403
    assert exports(staffed) - before == 5
