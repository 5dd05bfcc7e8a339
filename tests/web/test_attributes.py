"""Tag cards with their origin, and the catalogue's pages."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from bankloop.customer.overview import open_overview
from bankloop.kit.clock import FixedClock
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.engine import schema_of
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization.people import book_of
from bankloop.organization.principals import system
from bankloop.web.pages.attributes.cards import attributes_table, cards_of
from tests.customer.test_tiers import holdings, people
from tests.organization.conftest import Folk, folk
from tests.web.conftest import Staffed

__all__ = ["folk"]
TODAY = date(2026, 6, 30)
OWN = """
attributes:
  churn: {type: score, zh: 流失分, en: Churn score, owner: models, score: true}
  high_churn: {type: bool, zh: 高流失, en: High churn, owner: retail, rule: churn >= 0.7}
"""


def scores(*rows: tuple[str, int, int, date, date | None]) -> pa.Table:
    schema = schema_of(CONTRACTS["score"])
    plain = [
        {"customer_no": no, "attribute": "churn", "score_ppm": ppm, "model": "churn-gbm", "model_version": version, "scored_on": on, "valid_until": until}
        for no, ppm, version, on, until in rows
    ]  # fmt: skip
    return pa.Table.from_pylist(plain, schema=schema)


@pytest.fixture
def bank(folk: Folk, tmp_path: Path, clock: FixedClock) -> Bank:
    (tmp_path / "attributes").mkdir()
    (tmp_path / "attributes" / "own.yaml").write_text(OWN, encoding="utf-8")
    lake = open_lake(tmp_path, folk.store, system("lake"))
    lake.publish("customer", people("C0001", "C0002", "C0003"), date(2026, 6, 1))
    lake.publish("holding", holdings(C0001=300_000), date(2026, 6, 1))
    old, new = date(2026, 5, 20), date(2026, 6, 20)
    lake.publish("score", scores(("C0001", 400_000, 1, old, None)), date(2026, 5, 21))
    kept = scores(("C0001", 810_000, 2, new, date(2026, 7, 20)), ("C0002", 900_000, 2, old, date(2026, 6, 1)))
    lake.publish("score", kept, date(2026, 6, 21))
    return Bank(tmp_path, folk.store, lake, clock)


@pytest.mark.capability("B12")
def test_the_tag_of_high_churn_has_its_model_version_score_and_date(folk: Folk, bank: Bank) -> None:
    with folk.store.begin(folk.who("M00001", "service")) as connection:
        seen = open_overview(connection, bank.lake, bank.profiles(connection), bank.catalogue, "C0001")
    cards = {one.name: one for one in cards_of(seen)}
    assert (cards["high_churn"].title.zh, cards["high_churn"].value.zh) == ("高流失", "是")
    assert cards["high_churn"].origin.zh == "规则：流失分 0.81（churn-gbm v2，2026-06-20）"
    assert cards["churn"].value.zh == "0.81"
    assert cards["churn"].origin.en == "model churn-gbm v2"
    assert cards["churn"].validity.en == "as of 2026-06-20, valid until 2026-07-20"
    assert "high_churn" in [row[0].drill.split("/")[1] for row in attributes_table(seen).rows if row[0].drill]
    assert not {"frozen", "watchlist", "relation_risk"} & set(cards)


def test_a_score_is_what_was_known_on_the_day_and_holds_until_its_own(bank: Bank) -> None:
    today, before = bank.state(TODAY - timedelta(days=1)).table, bank.state(date(2026, 6, 10)).table
    told = {row["customer_no"]: row for row in today.to_pylist()}
    assert (told["C0001"]["churn"], told["C0001"]["high_churn"]) == (810_000, True)
    assert (told["C0002"]["churn"], told["C0002"]["high_churn"]) == (None, None)  # no longer valid
    assert (told["C0003"]["churn"], told["C0003"]["high_churn"]) == (None, None)
    assert {row["customer_no"]: row["churn"] for row in before.to_pylist()}["C0001"] == 400_000


def test_the_catalogue_s_pages(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    page = client.get("/attributes").text
    assert f"{len(staffed.small.open.catalogue.attributes)} 个标签" in page
    assert 'href="/attributes/aum"' in page
    one = client.get("/attributes/aum").text
    assert "全行客户的分布" in one
    assert "战役：" in one
    assert 'href="/attributes/deposits"' in one
    assert "catalogue.yaml:" in one
    assert "/catalogue.yaml" not in one
    secret = client.get("/attributes/watchlist").text
    assert "保密" in secret
    assert "分布" not in secret
    assert client.get("/attributes/aumm").status_code == 404
    client.cookies.set("language", "en")
    assert "How the bank" in client.get("/attributes/lifecycle_stage").text
    assert staffed.client(staffed.of("security_admin")).get("/attributes").status_code == 403
    manager = staffed.of("relationship_manager")
    card = staffed.client(manager).get(f"/customers/{staffed.own_customer(manager)}").text
    assert 'class="tags"' in card
    assert "有效至" in card


def test_amounts_open_on_the_page_for_a_reason_and_a_ticket(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    with staffed.small.open.store.begin(system()) as connection:
        number = book_of(connection, manager, limit=2)[1].customer_no
    client = staffed.client(manager)
    page = client.get(f"/customers/{number}").text
    assert "解除遮盖" in page
    token = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    empty = client.post(f"/customers/{number}/unmask", data={"csrf": token, "reason": "", "ticket": "T-1"})
    assert empty.status_code == 400
    opened = client.post(f"/customers/{number}/unmask", data={"csrf": token, "reason": "核对", "ticket": "T-1"})
    assert opened.status_code == 200
    assert "已遮盖" not in opened.text
    assert f"/customers/{number}/unmask" not in opened.text
    assert f"/customers/{number}/unmask" not in staffed.client("strategist").get(f"/customers/{number}").text
