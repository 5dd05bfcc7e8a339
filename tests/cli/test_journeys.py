"""The commands of retention and journeys over a bank with data: who came in January, and what became of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bankloop.simulate.clock import set_clock
from tests.cli.test_people import bank, run
from tests.cli.test_shelf import published
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]

JANUARY, FEBRUARY = date(2026, 1, 10), date(2026, 2, 3)
# Half past eleven at night in Shanghai, on the last day of April: a day that is still April's.
LATE = datetime(2026, 4, 30, 15, 30, tzinfo=UTC)


def login(number: int, customer: int, at: datetime, what: str = "login") -> dict[str, object]:
    return {"source": "app", "event_id": number, "customer_no": f"C{customer:04}", "type": what, "occurred_at": at, "recorded_at": at}  # fmt: skip


@pytest.fixture
def journeyed(bank: Path, folk: Folk) -> Path:
    """A hundred of January by the app, of whom 62 log in in April, most of them twice; five of February at a counter."""
    set_clock(bank, datetime(2026, 7, 20, 2, tzinfo=UTC))
    came = [{"customer_no": f"C{n:04}", "opened_on": JANUARY, "source": "app"} for n in range(100)]
    came += [{"customer_no": f"C{n:04}", "opened_on": FEBRUARY, "source": "counter"} for n in range(100, 105)]
    logins = [login(n, n, LATE) for n in range(62)] + [login(1_000 + n, n, datetime(2026, 4, 2, tzinfo=UTC)) for n in range(50)]  # fmt: skip
    logins += [login(2_000 + n, n, datetime(2026, 1, 20, tzinfo=UTC)) for n in range(80)]
    logins += [login(3_000 + n, n, datetime(2026, 1, 25, tzinfo=UTC), "transaction") for n in range(40, 90)]
    held = {"product_class": "wealth", "product_id": "w", "balance_fen": 100, "opened_on": date(2026, 2, 1)}
    holdings = [{**held, "holding_id": f"H{n}", "customer_no": f"C{n:04}"} for n in range(60, 70)]
    published(bank, customer=came, holding=holdings, event=logins)
    return bank


@pytest.mark.capability("C23")
def test_of_a_hundred_of_january_62_are_active_in_the_third_month(journeyed: Path) -> None:
    code, found = run(journeyed, "cohorts", "--as-of", "2026-07-19")
    assert code == 0, found
    by_month = {one["month"]: one for one in found["cohorts"]}
    assert (by_month["2026-01"]["customers"], by_month["2026-01"]["active"]) == (100, [80, 0, 0, 62, 0, 0, 0])
    assert by_month["2026-01"]["retained"][3] == 0.62
    assert by_month["2026-02"]["active"] == [0, 0, 0, 0, 0, 0]
    # As it was known at the end of April's first day: nobody's April yet.
    early = {one["month"]: one for one in run(journeyed, "cohorts", "--as-of", "2026-04-01")[1]["cohorts"]}
    assert early["2026-01"]["active"] == [80, 0, 0, 0]


def test_cohorts_are_cut_by_source_and_by_what_was_opened(journeyed: Path) -> None:
    by_source = run(journeyed, "cohorts", "--by", "source")[1]["cohorts"]
    came = {one["group"]: one["customers"] for one in by_source if one["customers"]}
    assert came == {"app": 100, "counter": 5}


@pytest.mark.capability("C23")
def test_a_group_is_told_from_the_others_or_said_not_to_be(journeyed: Path) -> None:
    told = run(journeyed, "cohorts", "--by", "source", "--as-of", "2026-07-19")[1]["standings"]
    assert told == {"app": "higher", "counter": "lower"}
    # Both who came by the fair are still there, as against 60 of 98: nothing is said of it.
    came = [{"customer_no": f"C{n:04}", "opened_on": JANUARY, "source": "fair" if n < 2 else "app"} for n in range(100)]
    published(journeyed, customer=came)
    told = run(journeyed, "cohorts", "--by", "source")[1]["standings"]
    assert told == {"app": "not told apart", "fair": "not told apart"}


def test_cohorts_are_cut_by_product_and_by_nothing_else(journeyed: Path) -> None:
    by_product = run(journeyed, "cohorts", "--by", "product")[1]["cohorts"]
    assert {(one["group"], one["month"]): one["customers"] for one in by_product if one["customers"]} == {
        ("wealth", "2026-01"): 10, ("", "2026-01"): 90, ("", "2026-02"): 5}  # fmt: skip
    code, refused = run(journeyed, "cohorts", "--by", "shoe")
    assert (code != 0, refused["error"]["code"]) == (True, "cohort.no_group")


@pytest.mark.capability("C23")
def test_a_funnel_counts_who_passed_every_step_and_says_what_each_loses(journeyed: Path) -> None:
    code, found = run(journeyed, "journeys")
    assert code == 0, found
    grown = next(one for one in found["journeys"] if one["journey"] == "newcomer")
    # 80 logged in, 50 made a transaction, but ten of those never logged in; ten hold a product.
    assert [one["customers"] for one in grown["steps"]] == [105, 80, 40, 10]
    assert [one["days"] for one in grown["steps"]] == [None, 10, 15, 22]
    (journeyed / "journeys.yaml").write_text(
        "journeys:\n- {key: newcomer, title: {zh: 新客, en: New}, within: 12, steps: [{title: {zh: 登录, en: Login}, events: [login]}, "
        "{title: {zh: 交易, en: Transaction}, events: [transaction]}]}\n",
        encoding="utf-8",
    )
    own = next(one for one in run(journeyed, "journeys")[1]["journeys"] if one["journey"] == "newcomer")
    assert [one["customers"] for one in own["steps"]] == [105, 80, 0]


def test_a_bank_without_customers_has_an_empty_grid_and_funnels_of_nobody(bank: Path, folk: Folk) -> None:
    code, found = run(bank, "journeys")
    assert (code, {step["customers"] for one in found["journeys"] for step in one["steps"]}) == (0, {0})
