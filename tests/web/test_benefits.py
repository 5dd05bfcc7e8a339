"""Grants of benefits through the API and on their page: redeemed once whoever asks at once, what pools have left."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest

from bankloop.benefit.grants import grant_benefits, pools
from bankloop.ledger.statements import check_ledger
from bankloop.organization.principals import system
from tests.web.conftest import Staffed


@pytest.fixture
def given(staffed: Staffed) -> tuple[str, list[str]]:
    """The tag of a budget and a benefit of this test alone, of whose thirty yuan three coupons of ten are given."""
    tag, number = uuid4().hex[:8], staffed.own_customer(staffed.of("relationship_manager"))
    rows = [
        {"decision_id": str(uuid4()), "customer_no": number, "unit_id": "S0001", "benefit": f"coupon-{tag}",
         "reserved_fen": 1_000, "budget": f"{tag}:1"}
        for _ in range(4)
    ]  # fmt: skip
    with staffed.small.open.store.begin(system("benefit")) as connection:
        outcome = grant_benefits(connection, pa.Table.from_pylist(rows), {f"{tag}:1": 3_100}, {f"coupon-{tag}": 50})
    assert outcome["granted"].to_pylist() == [True, True, True, False]
    return tag, [str(row["decision_id"]) for row in rows]


def sent(staffed: Staffed, who: str, path: str, **body: str) -> tuple[int, dict[str, Any]]:
    answer = staffed.api(staffed.of(who)).post(
        f"/api/v1/benefits/{path}", json=body, headers={"idempotency-key": uuid4().hex}
    )
    return answer.status_code, answer.json()


def pool(staffed: Staffed, name: str) -> dict[str, Any]:
    found = staffed.api("strategist").get("/api/v1/benefits/pools").json()["items"]
    return next(one for one in found if one["pool"]["name"] == name)


def test_a_grant_is_redeemed_returned_and_its_pools_say_so(staffed: Staffed, given: tuple[str, list[str]]) -> None:
    tag, (first, second, third, refused) = given
    status, found = sent(staffed, "hq_strategist", f"grants/{first}/redemption", order="o1")
    assert (status, found["life"]) == (200, "redeemed")
    assert "…" in found["customer_no"]
    assert sent(staffed, "hq_strategist", f"grants/{first}/redemption", order="o1")[0] == 200
    assert sent(staffed, "hq_strategist", f"grants/{first}/redemption", order="o2")[0] == 409
    assert sent(staffed, "hq_strategist", f"grants/{refused}/redemption", order="o2")[0] == 409
    assert sent(staffed, "hq_strategist", f"grants/{second}/return", reason="unwanted")[1]["life"] == "returned"
    assert sent(staffed, "benefit_owner", "expiry", through="2099-01-01")[0] == 200
    assert staffed.api("strategist").get(f"/api/v1/benefits/grants/{third}").json()["life"] == "issued"
    assert staffed.api("strategist").get("/api/v1/benefits/grants/none").status_code == 404
    money = pool(staffed, f"{tag}:1")
    assert (money["pool"]["committed"], money["pool"]["spent"], money["released"], money["left"]) == (
        1_000,
        1_000,
        1_000,
        1_100,
    )
    with staffed.small.open.store.begin(system("benefit")) as connection:
        assert check_ledger(connection) == ()


def test_the_page_warns_before_a_pool_is_empty(staffed: Staffed, given: tuple[str, list[str]]) -> None:
    tag, _ = given
    client = staffed.client("strategist")
    assert 'href="/benefits"' in client.get("/").text
    page = client.get("/benefits").text
    answer = page.split('class="answer">', 1)[1].split("</p>", 1)[0]
    assert f"{tag} 第 1 轮" in answer
    assert f"coupon-{tag}" not in answer
    assert f"coupon-{tag}" in page
    client.cookies.set("language", "en")
    assert "A tenth or less is left of" in client.get("/benefits").text
    assert staffed.client(staffed.of("relationship_manager")).get("/benefits").status_code == 403


def test_what_is_used_up_is_said_to_be_and_a_stock_goes_by_its_benefit_s_name(staffed: Staffed) -> None:
    number = staffed.own_customer(staffed.of("relationship_manager"))
    bank = staffed.small.open
    benefit = "coupon-20"
    row = {"decision_id": str(uuid4()), "customer_no": number, "unit_id": "S0001", "benefit": benefit,
           "reserved_fen": 0, "budget": ""}  # fmt: skip
    with bank.store.begin(system("benefit")) as connection:
        used = sum(one.committed + one.spent for one in pools(connection) if one.name == benefit)
        outcome = grant_benefits(connection, pa.Table.from_pylist([row]), {}, {benefit: used + 1})
    assert outcome["granted"].to_pylist() == [True]
    page = staffed.client("strategist").get("/benefits").text
    answer = page.split('class="answer">', 1)[1].split("</p>", 1)[0]
    assert answer.startswith("已用完：")
    assert bank.spec.benefits[benefit].title.zh in answer


def test_what_has_no_limit_is_not_called_used_up(staffed: Staffed) -> None:
    tag, number = uuid4().hex[:8], staffed.own_customer(staffed.of("relationship_manager"))
    row = {"decision_id": str(uuid4()), "customer_no": number, "unit_id": "S0001", "benefit": f"gift-{tag}",
           "reserved_fen": 500, "budget": f"{tag}:1"}  # fmt: skip
    with staffed.small.open.store.begin(system("benefit")) as connection:
        grant_benefits(connection, pa.Table.from_pylist([row]), {}, {})
    for name in (f"gift-{tag}", f"{tag}:1"):
        found = pool(staffed, name)
        assert (found["left"], found["empty_on"], found["pool"]["limited"]) == (0, None, False)
    page = staffed.client("strategist").get("/benefits").text
    answer = page.split('class="answer">', 1)[1].split("</p>", 1)[0]
    assert tag in page
    assert tag not in answer


def test_of_many_calls_at_once_one_redeems(staffed: Staffed, given: tuple[str, list[str]]) -> None:
    tag, (first, *_) = given
    told: list[int] = []
    start = threading.Barrier(6)

    def till(at: int) -> None:
        start.wait()
        told.append(sent(staffed, "hq_strategist", f"grants/{first}/redemption", order=f"o{at}")[0])

    threads = [threading.Thread(target=till, args=(at,)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [200, 409, 409, 409, 409, 409]
    assert pool(staffed, f"coupon-{tag}")["pool"]["spent"] == 1


def test_who_may_not_redeems_returns_and_ends_nothing(staffed: Staffed, given: tuple[str, list[str]]) -> None:
    _, (first, *_) = given
    assert sent(staffed, "relationship_manager", f"grants/{first}/redemption", order="o1")[0] == 403
    assert sent(staffed, "benefit_owner", f"grants/{first}/return", reason="x")[0] == 403
    assert sent(staffed, "hq_strategist", "expiry", through="2026-06-30")[0] == 403
    assert staffed.api(staffed.of("relationship_manager")).get("/api/v1/benefits/pools").status_code == 403
    assert staffed.api("strategist").get(f"/api/v1/benefits/grants/{first}").json()["life"] == "issued"
