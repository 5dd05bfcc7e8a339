"""The shelf's pages and API: a product manager asks for a change, an approver consents, and everybody sees it."""

from __future__ import annotations

import re
import uuid
from datetime import date

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from bankloop.loop.offering.assortment import Scorecard
from bankloop.loop.offering.migration import migration_list
from bankloop.loop.spec import Availability, Migration, Product
from bankloop.organization.principals import auditor
from bankloop.report.solutions import kept_versions, solution_book
from bankloop.store.contracts import Role
from tests.web.conftest import Staffed

BASE = "/api/v1"
WEALTH = "wealth-fixed-income"


def csrf(body: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', body)
    assert found is not None
    return found[1]


def test_a_change_is_asked_for_on_its_page_and_holds_once_approved(staffed: Staffed) -> None:
    owner, checker = staffed.client("product"), staffed.client("checker")
    page = owner.get("/products/credit-card").text
    form = {"csrf": csrf(page), "on": "no", "segment:any": "1", "reason": "print the cards anew"}
    form |= {f"channel:{name}": "1" for name in staffed.small.open.spec.policies.channels}
    answer = owner.post("/products/credit-card/change", data=form, follow_redirects=False)
    assert answer.status_code == 303
    where = answer.headers["location"]
    request = checker.get(where).text
    assert "credit-card" in request
    assert "已下架" not in owner.get("/products/credit-card").text.split("<main")[1].split("</p>")[0]
    digest = re.search(r'name="digest" value="([^"]+)"', request)
    assert digest is not None
    passed = checker.post(
        f"{where}/pass", data={"csrf": csrf(request), "digest": digest[1], "comment": "yes"}, follow_redirects=False
    )
    assert passed.status_code == 303
    assert "已下架" in owner.get("/products/credit-card").text
    listed = owner.get(f"{BASE}/products").json()["items"]
    assert not next(one for one in listed if one["key"] == "credit-card")["available"]["on"]
    manager = staffed.client(staffed.of("relationship_manager"))
    assert "已下架" in manager.get("/products/credit-card").text
    seen = manager.get(f"{BASE}/products").json()["items"]
    assert not next(one for one in seen if one["key"] == "credit-card")["available"]["on"]
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'product.screen'"))


def test_a_solution_s_sheet_has_what_each_version_offers_and_who_keeps_which(staffed: Staffed) -> None:
    client, spec = staffed.client("product"), staffed.small.open.spec
    assert 'href="/solutions/payroll-start"' in client.get("/products").text
    sheet = client.get("/solutions/payroll-start").text
    version = spec.solutions["payroll-start"].versions[0]
    assert version.service is not None
    for words in (spec.products[WEALTH].title.text.zh, version.service.zh, *version.scripts, "第 1 版（已发布）"):
        assert words in sheet
    assert f'href="/products/{WEALTH}"' in sheet
    assert kept_versions("payroll-start", [("a", "payroll-start@2"), ("b", "other@1"), ("c", None)]) == {"a": 2}
    kept = solution_book(spec, spec.solutions["payroll-start"], {"first-wealth": 1}, {}).tables[-1]
    assert [cell.text.zh for cell in kept.rows[0]] == ["first-wealth", "v1"]
    assert client.get("/solutions/nothing").status_code == 404
    assert staffed.client("secadmin").get("/solutions/payroll-start").status_code == 403


def test_a_change_that_cannot_be_comes_back_with_its_form(staffed: Staffed) -> None:
    owner = staffed.client("product")
    token = csrf(owner.get(f"/products/{WEALTH}").text)
    answer = owner.post(f"/products/{WEALTH}/change", data={"csrf": token, "issuer": "R9", "reason": "kept words"})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "kept words" in answer.text
    late = owner.post(f"/products/{WEALTH}/change", data={"csrf": token, "effective_at": "soon", "reason": "x"})
    assert late.status_code == 400
    assert "2026-06-30T10:00:00+08:00" in late.text


def test_who_may_only_read_sees_no_form(staffed: Staffed) -> None:
    assert "/change" not in staffed.client("strategist").get(f"/products/{WEALTH}").text
    assert staffed.client("secadmin").get("/products").status_code == 403
    asked = staffed.api("strategist").post(
        f"{BASE}/products/{WEALTH}/changes", json={"on": False, "reason": "x"}, headers={"idempotency-key": uuid.uuid4().hex}
    )  # fmt: skip
    assert asked.status_code == 403


def test_the_api_gives_scorecards_matrix_and_a_proposal(staffed: Staffed) -> None:
    api = staffed.api("strategist")
    assert {one["product"] for one in api.get(f"{BASE}/products/scorecards").json()["items"]} >= {WEALTH}
    cells = api.get(f"{BASE}/products/matrix").json()["items"]
    assert all(one["gap"] == one["share"] - one["peers"] for one in cells)
    number = staffed.small.window.state.table["customer_no"][0].as_py()
    found = api.get(f"{BASE}/products/salary-bundle/proposal/{number}").json()
    assert len(found["legs"]) == 3
    assert found["open"] == all(leg["open"] for leg in found["legs"])
    unknown = api.get(f"{BASE}/products/nothing/proposal/{number}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "shelf.unknown")


@pytest.mark.capability("E1")
def test_a_product_that_is_not_all_online_is_listed_with_who_brings_it_there(staffed: Staffed) -> None:
    owner, spec = staffed.client("product"), staffed.small.open.spec
    offline = {key for key, one in spec.products.items() if not one.is_online and not one.legs}
    assert offline == {"payroll-service"}
    (line,) = owner.get(f"{BASE}/products/migration").json()["items"]
    assert (line["product"], line["online"], line["owner"], line["by"]) == (
        "payroll-service", 400_000, "corporate", "2027-06-30",
    )  # fmt: skip
    page = owner.get("/products").text.split('id="migration"')[1].split("</table>")[0]
    for words in ("代发工资服务", "40%", "电子签章"):
        assert words in page
    assert "信用卡" not in page


def test_what_is_late_what_is_off_the_shelf_and_bundles_on_the_way_online(staffed: Staffed) -> None:
    products = staffed.small.open.spec.products
    branch = products["credit-card"].model_copy(
        update={"online": 0, "migration": Migration(owner="cards", by=date(2026, 6, 29))}
    )
    sold = Scorecard("credit-card", 7, 6, 5, 0, 0, None, None, {})
    gone = products[WEALTH].model_copy(update={"online": 0, "available": Availability(on=False)})
    found = migration_list(
        [products["payroll-service"], branch, gone, products["salary-bundle"]], [sold], date(2026, 6, 30)
    )
    assert [(one.product, one.sales, one.late) for one in found] == [
        ("credit-card", 7, True), ("payroll-service", 0, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "ppm"), [(True, 1_000_000), (False, 0), ("60%", 600_000), ("101%", None), ("some", None), (60, None)]
)
def test_how_much_is_online_is_all_nothing_or_a_percentage(staffed: Staffed, written: object, ppm: int | None) -> None:
    body = {
        "key": "a-card",
        "title": {"zh": "卡", "en": "Card"},
        "class": "service",
        "contribution": {},
        "online": written,
    }
    if ppm is None:
        with pytest.raises(ValidationError):
            Product.model_validate(body)
    else:
        product = Product.model_validate(body)
        assert product.online == ppm
        assert Product.model_validate(body | {"online": product.model_dump(mode="json")["online"]}) == product
