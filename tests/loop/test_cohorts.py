"""Retention by month of opening as it is shown, acquisition cost by source."""

from __future__ import annotations

import pytest

from bankloop.performance.cohorts import Acquired, Cohort, month_name, month_number
from bankloop.report.journeys import cohort_table, cohorts_plain, group_retention

JANUARY = Cohort("2026-01", 100, (100, 0, 0, 62, 0))


def test_the_grid_shows_each_share_darker_the_higher_and_months_that_have_not_come_as_dashes() -> None:
    found = [JANUARY, Cohort("2026-02", 7, (0, 0, 1, 0)), Cohort("2026-05", 0, (0,))]
    assert JANUARY.retained(3) == pytest.approx(0.62)
    assert JANUARY.retained(5) is None
    assert found[2].retained(0) is None
    table = cohort_table(found)
    assert table.rows[0][0].text.en == "2026-01"
    assert (table.rows[0][5].text.en, table.rows[0][5].shade) == ("62%", 0.62)
    assert table.rows[1][6].text.en == "—"


def test_a_cohort_too_small_for_its_reader_shows_no_figure() -> None:
    found = [JANUARY, Cohort("2026-02", 7, (7, 3, 1, 0))]
    rows = cohort_table(found, lambda customers: customers >= 10).rows
    assert rows[0][5].text.en == "62%"
    assert {cell.text.en for cell in rows[1][1:]} == {"too few", "—"}
    assert cohorts_plain(found, lambda customers: customers >= 10)[1] == {"month": "2026-02", "group": "", "too_few": True}  # fmt: skip


def test_a_group_s_retention_is_over_the_cohorts_whose_month_has_come() -> None:
    found = [Cohort("2026-01", 100, (80, 50), "app"), Cohort("2026-02", 300, (300,), "app")]
    [row] = group_retention(found, "source").rows
    assert [cell.text.en for cell in row] == ["app", "400", "95%", "50%"]
    assert row[0].drill == "?by=source&group=app"


def test_months_are_named_over_the_years_end() -> None:
    from datetime import date

    assert month_name(month_number(date(2026, 12, 31))) == "2026-12"
    assert month_name(month_number(date(2026, 12, 31)) + 1) == "2027-01"


def test_nobody_costs_nothing_and_has_no_cost_each() -> None:
    assert Acquired("app", 30, 150_000).each == 5_000
    assert Acquired("app", 0, 0).each is None
