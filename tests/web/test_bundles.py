"""The editor of bundles: put together on its page, rated as its highest leg, on the shelf once another has approved it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankloop.loop.bank import Bank
from tests.web.conftest import Staffed
from tests.web.test_products import BASE, WEALTH, csrf


@pytest.fixture
def shelf(staffed: Staffed) -> Iterator[Path]:
    """The file of products, as it was for whoever comes next."""
    bank: Bank = staffed.small.open
    place = bank.folder / "products.yaml"
    before = place.read_bytes()
    yield place
    place.write_bytes(before)
    vars(bank).pop("spec", None)


def form(page: str, act: str, *legs: str, **others: str) -> dict[str, str]:
    asked = {"csrf": csrf(page), "act": act, "key": "young-start", "zh": "起步组合", "en": "A start"}
    return {**asked, "line": "retail", "worth": "120 CNY", **{f"leg:{leg}": "1" for leg in legs}, **others}


@pytest.mark.capability("E2")
def test_a_bundle_of_the_editor_is_rated_as_its_highest_leg_and_sold_once_approved(
    staffed: Staffed, shelf: Path
) -> None:
    owner, checker = staffed.client("product"), staffed.client("checker")
    home = owner.get("/products").text
    assert 'href="/bundles"' in home
    editor = owner.get("/bundles").text
    seen = owner.post("/bundles", data=form(editor, "look", "debit-card-wallet", WEALTH)).text
    assert "组合的风险等级： R2" in seen
    assert "young-start" not in shelf.read_text(encoding="utf-8")
    asked = form(editor, "ask", "debit-card-wallet", WEALTH, eligible="age between 18 and 35", reason="a start")
    answer = owner.post("/bundles", data=asked, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    request = checker.get(where).text
    assert "组合的风险等级（取最高一腿）" in request
    before = shelf.read_text(encoding="utf-8")
    assert "young-start" not in before
    digest = re.search(r'name="digest" value="([^"]+)"', request)
    assert digest is not None
    own = {"csrf": csrf(owner.get("/bundles").text), "digest": digest[1]}
    assert owner.post(f"{where}/pass", data=own).status_code == 403
    passed = {"csrf": csrf(request), "digest": digest[1], "comment": "yes"}
    assert checker.post(f"{where}/pass", data=passed, follow_redirects=False).status_code == 303
    after = shelf.read_text(encoding="utf-8")
    assert after.startswith(before)  # all that stood there stands there still
    listed = {one["key"]: one for one in owner.get(f"{BASE}/products").json()["items"]}
    assert listed["young-start"]["risk"] == {"issuer": "R2", "seller": "R2"}
    manager = staffed.of("relationship_manager")
    customer = staffed.own_customer(manager)
    legs = staffed.api(manager).get(f"{BASE}/products/young-start/proposal/{customer}").json()["legs"]
    assert [one["product"] for one in legs] == ["debit-card-wallet", WEALTH]


def test_a_bundle_that_is_there_is_changed_in_its_place_and_its_neighbours_keep_their_words(
    staffed: Staffed, shelf: Path
) -> None:
    owner = staffed.api("product")
    body = {"zh": "两件套", "en": "A pair", "line": "corporate", "legs": ["credit-card", WEALTH], "worth": "180.50 CNY"}
    asked = owner.post(
        f"{BASE}/products/bundles/salary-bundle", json=body, headers={"idempotency-key": uuid.uuid4().hex}
    )
    assert asked.status_code == 202, asked.text
    approval = asked.json()["approval"]
    passed = staffed.api("checker").post(
        f"{BASE}/approvals/{approval}/pass", json={"comment": "yes"}, headers={"idempotency-key": uuid.uuid4().hex}
    )
    assert passed.status_code == 200, passed.text
    product = staffed.small.open.spec.products["salary-bundle"]
    assert (product.legs, product.contribution.fixed) == (("credit-card", WEALTH), 18_050)
    assert "# the higher of the two counts" in shelf.read_text(encoding="utf-8")
    assert 'value="180.50 CNY"' in staffed.client("product").get("/bundles/salary-bundle").text


@pytest.mark.parametrize(
    ("legs", "others", "code"),
    [
        (["credit-card"], {}, "bundle.legs"),
        (["credit-card", "credit-card"], {}, "bundle.legs"),
        (["credit-card", "salary-bundle"], {}, "bundle.leg"),
        (["credit-card", "credit-crd"], {}, "bundle.leg"),
        (["credit-card", WEALTH], {"key": "credit-card"}, "bundle.is_a_product"),
        (["credit-card", WEALTH], {"key": "Young Start"}, "spec.value"),
        (["credit-card", WEALTH], {"worth": "a lot"}, "money.unreadable"),
        (["credit-card", WEALTH], {"eligible": "agee > 18"}, "expression.name"),
        (["credit-card", WEALTH], {"zh": " "}, "bundle.title"),
    ],
)
def test_what_is_no_bundle_is_refused_with_its_reason_and_nothing_is_written(
    staffed: Staffed, shelf: Path, legs: list[str], others: dict[str, str], code: str
) -> None:
    before = shelf.read_bytes()
    body = {"zh": "一", "en": "One", "legs": legs, "worth": "180 CNY", **others}
    key = body.pop("key", "young-start")
    answer = staffed.api("product").post(
        f"{BASE}/products/bundles/{key}", json=body, headers={"idempotency-key": uuid.uuid4().hex}
    )
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["code"] == code
    assert shelf.read_bytes() == before


def test_who_keeps_no_shelf_neither_sees_the_editor_nor_asks(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    assert 'href="/bundles"' not in staffed.client(manager).get("/products").text
    assert staffed.client(manager).get("/bundles").status_code == 403
    body = {"zh": "一", "en": "One", "legs": ["credit-card", WEALTH], "worth": "180 CNY"}
    refused = staffed.api(manager).post(
        f"{BASE}/products/bundles/young-start", json=body, headers={"idempotency-key": uuid.uuid4().hex}
    )
    assert refused.status_code == 403
