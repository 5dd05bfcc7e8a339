"""The page of falls: which product fell, of whom one sees, and the list behind each figure."""

from __future__ import annotations

import re

from sqlalchemy import text

from bankloop.organization.principals import auditor, system
from bankloop.store.contracts import Role
from tests.web.conftest import Staffed


def listed(page: str) -> list[str]:
    return re.findall(r'href="/customers/(C\d+)"', page)


def test_the_fallen_fund_is_shown_first_with_its_holders_as_one_sees_them(staffed: Staffed) -> None:
    manager, store = staffed.of("relationship_manager"), staffed.small.open.store
    client = staffed.client("strategist")
    page = client.get("/falls").text
    assert "截至 2026-06-29，1 只产品 5 天内净值回撤达 8%" in page
    assert page.index("fund-equity") < page.index("fund-bond")
    assert page.count("<figure>") == 4
    (count,) = re.findall(r'href="/falls/fund-equity\?show=holders">([\d,]+)<', page)
    holders: list[str] = []
    address: str | None = "/falls/fund-equity?show=holders"
    while address is not None:
        rows = client.get(address).text
        holders += listed(rows)
        further = re.findall(r'href="(/falls/fund-equity\?[^"]*after=[^"]*)"', rows)
        address = further[0].replace("&amp;", "&") if further else None
    assert len(set(holders)) == len(holders) == int(count.replace(",", "")) > 50
    # Nobody was told yet, so each of them is among those, and no other list has anybody.
    assert len(listed(client.get("/falls/fund-equity?show=untold").text)) == 50
    assert listed(client.get("/falls/fund-equity?show=open").text) == []
    with store.begin(system()) as connection:
        query = text("SELECT customer_no FROM customer_book WHERE staff_id = :m AND valid_to IS NULL")
        mine = set(connection.scalars(query, {"m": manager}))
    own = set(listed(staffed.client(manager).get("/falls/fund-equity").text))
    assert own
    assert own == mine & set(holders)
    with store.begin(auditor(), Role.AUDITOR) as connection:
        seen = connection.scalar(
            text("SELECT count(*) FROM audit WHERE class = 'access' AND principal = :m"), {"m": manager}
        )
    assert seen
    assert client.get("/falls/none").status_code == 404
    assert staffed.client("auditor").get("/falls").status_code == 403
    assert "As of 2026-06-29, 1 product fell by 8% or more" in client.get("/falls", headers={"cookie": f"session={client.cookies['session']}; language=en"}).text  # fmt: skip
