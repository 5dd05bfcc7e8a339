"""A customer's needs and the bank's gaps on their pages, from the customer's page and from the shelf's."""

from __future__ import annotations

import re

from tests.web.conftest import Staffed
from tests.web.test_products import BASE


def test_a_manager_finds_what_a_customer_needs_from_their_page(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    client, api = staffed.client(manager), staffed.api(manager)
    client.cookies.set("language", "en")
    state = staffed.small.open.state(max(one.as_of for one in staffed.small.open.lake.manifest.versions("customer")))
    own = {row["customer_no"] for row in api.get(f"{BASE}/customers", params={"limit": 200}).json()["items"]}
    assessed = [
        row
        for row in state.table.to_pylist()
        if row["customer_no"] in own and row["aum"] and (row["days_since_risk_assessment"] or 999) <= 365
    ]
    told = [api.get(f"{BASE}/customers/{row['customer_no']}/needs").json() for row in assessed]
    spread = next(one for one in told if one["allocation"])
    number = spread["customer_no"]
    assert f'href="/customers/{number}/needs"' in client.get(f"/customers/{number}").text
    page = client.get(f"/customers/{number}/needs").text
    assert "Proposed allocation" in page
    assert "<svg" in page
    assert "masked" in page
    shares = {line["class"]: line["target"] for line in spread["allocation"]}
    assert sum(shares.values()) == 1_000_000
    for share in shares.values():
        assert f"{share / 1e4:.1f}%" in page
    for one in spread["basics"]:
        assert one["offer"]["en"] in page
    stranger = next(row["customer_no"] for row in state.table.to_pylist() if row["customer_no"] not in own)
    assert client.get(f"/customers/{stranger}/needs").status_code == 404


def test_head_office_sees_how_many_lack_each_basic_and_opens_their_audience(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    client.cookies.set("language", "en")
    assert 'href="/gaps"' in client.get("/products").text
    page = client.get("/gaps").text
    told = {one["basic"]: one for one in staffed.api("strategist").get(f"{BASE}/products/gaps").json()["items"]}
    mobile = told["mobile-bank"]
    assert 0 < mobile["lacking"] < mobile["among"]
    way = re.search(r'href="(/audiences[?]expression=[^"]*app_registered[^"]*)"', page)
    assert way is not None
    editor = client.get(way[1].replace("&amp;", "&"))
    assert editor.status_code == 200
    assert "app_registered" in editor.text
    assert staffed.client("secadmin").get("/gaps").status_code == 403
