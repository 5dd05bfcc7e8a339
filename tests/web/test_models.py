"""The page of models: cards, registry, drift, the top of a list by right; offers on a customer's page and by the API."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bankloop.organization.principals import system
from bankloop.store.contracts import ModelVersion
from bankloop.store.registry import read_models
from tests.web.conftest import Staffed

BASE = "/api/v1"


def read(staffed: Staffed) -> list[ModelVersion]:
    with staffed.small.open.store.begin(system()) as connection:
        return [one for one in read_models(connection) if one.state == "champion"]


def test_cards_registry_and_the_top_masked(staffed: Staffed) -> None:
    client = staffed.client("scientist")
    client.cookies.set("language", "en")
    listed = client.get("/models").text
    assert "Model cards" in listed
    page = client.get("/models/first-wealth").text
    assert "Not yet causal" in page
    assert "Registry" in page
    entry = next(one for one in read(staffed) if one.campaign == "first-wealth")
    assert any(one.card["intervals"] for one in read(staffed))
    assert "What it was made of" in page
    assert all(entry.card[key][:12] in page for key in ("data", "code", "lock"))
    assert entry.artefact_digest[:12] in page
    for card in (one.card for one in read(staffed) if one.card["intervals"]):
        low, high = card["intervals"]["auc"]
        assert f"{card['auc']:.3f} [{low:.3f}, {high:.3f}]" in listed
    assert "Its 95 % interval" in page
    assert "The top tenth" in page
    numbers = staffed.small.window.state.table["customer_no"].to_pylist()
    assert not any(number in page for number in numbers)
    assert client.get("/models/nothing").status_code == 404


def test_going_back_needs_a_version_that_is_not_in_force_and_a_reason(staffed: Staffed) -> None:
    client = staffed.client("scientist")
    page = client.get("/models/bind-card").text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    answer = client.post("/models/bind-card/rollback", data={"csrf": token[1], "version": "1", "reason": "x"})
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert client.post("/models/bind-card/rollback", data={"csrf": token[1], "version": "x"}).status_code in (400, 422)
    assert staffed.client("secadmin").get("/models").status_code == 403


@pytest.mark.capability("A17")
def test_offers_stand_on_the_customers_page_and_in_the_api(staffed: Staffed) -> None:
    state, products = staffed.small.window.state.table, staffed.small.open.spec.products
    assessed = pc.fill_null(state["has_valid_risk_assessment"], False)
    maturing = pc.greater_equal(state["term_maturing_60d"], 2_000_000)

    def some(mask: pa.ChunkedArray, offers: int) -> tuple[str, dict[str, Any]]:
        """Return a customer of the mask with so many offers, and what the API says of them."""
        for number in state.filter(mask)["customer_no"].to_pylist():
            found = staffed.api("strategist").get(f"{BASE}/customers/{number}/offers").json()
            if len(found["offers"]) == offers:
                return number, found
        raise AssertionError("nobody has so many")

    _, best = some(pc.and_(assessed, maturing), 3)
    assert all(one["why"] for one in best["offers"])
    expected = [one["expected_fen"] for one in best["offers"]]
    assert expected == sorted(expected, reverse=True)
    assert expected[0] > expected[-1]
    assert not best["invited"]
    # Without a valid assessment there are deposits alone, and an invitation that names no product.
    number, found = some(pc.and_(pc.invert(assessed), maturing), 1)
    assert [products[one["product"]].product_class for one in found["offers"]] == ["deposit"]
    assert found["invited"]
    locked = {one["product"]: one["reason"] for one in found["locked"]}
    assert "wealth-fixed-income" in locked
    assert all(locked.values())
    slot = staffed.api("strategist").get(f"{BASE}/customers/{number}/slot").json()
    assert slot["shown"] == slot[{"personal": "chosen", "generic": "generic"}[slot["content"]]]
    page = staffed.client("strategist").get(f"/customers/{number}").text
    assert "下一步推介" in page
    assert f"该客户看到 {'A' if slot['content'] == 'personal' else 'B'}" in page
    table = page.split("下一步推介", 1)[1].split("</table>", 1)[0]
    rows = [re.sub(r"<[^>]+>", " ", row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)]
    assert sum("可推介" in row for row in rows) == 1
    [invitation] = [row for row in rows if "风险测评邀请" in row]
    titles = {one.title.zh for key, one in products.items() if key != "risk-assessment"}
    assert not any(title in invitation for title in titles)
    [wealth] = [row for row in rows if products["wealth-fixed-income"].title.zh in row]
    assert "锁定" in wealth
