"""The page of tiers: what to do before a month is closed, and after it every customer counted once and kept by somebody."""

from __future__ import annotations

from datetime import date

from bankloop.customer.servicing import assign_keepers, coverage
from bankloop.customer.tier import close_month, tier_counts
from bankloop.organization.principals import system
from bankloop.view import format as say
from tests.web.conftest import Staffed

MAY = date(2026, 5, 1)


def test_the_page_counts_everybody_once_and_says_who_keeps_whom(staffed: Staffed) -> None:
    bank, client = staffed.small.open, staffed.client("strategist")
    if coverage(bank.lake) is None:
        assert "bankloop tier close" in client.get("/tiers").text
    closed = close_month(bank.store, system("tier"), bank.lake, MAY)
    with bank.store.begin(system("servicing")) as connection:
        assign_keepers(connection, bank.lake)
    counts, kept = tier_counts(bank.lake, MAY), coverage(bank.lake)
    assert kept is not None
    assert sum(one.customers for one in counts) == closed.customers == sum(kept.modes.values())
    assert {one.tier: one.customers for one in counts} == dict(closed.tiers)
    assert kept.unassigned == 0
    page = client.get("/tiers").text
    assert "没有人管的客户 0" in page
    assert "大众富裕" in page
    few = next(one for one in counts if one.customers < 10)
    assert say.money(few.average_fen).zh not in page  # of one customer it would be a balance
    client.cookies.set("language", "en")
    assert "0 customers are kept by nobody" in client.get("/tiers").text
    assert staffed.client(staffed.of("relationship_manager")).get("/tiers").status_code == 403
