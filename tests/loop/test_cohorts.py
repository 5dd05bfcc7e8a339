"""Retention by month of opening, acquisition cost by source."""

from __future__ import annotations

import numpy as np
import pytest

from bankloop.performance.cohorts import Acquired, cohorts_of, month_name, month_number
from bankloop.report.plays import cohort_table

JANUARY = 2026 * 12


def test_of_a_hundred_of_january_62_are_active_in_the_third_month() -> None:
    opened = np.r_[np.full(100, JANUARY), np.full(7, JANUARY + 1)]
    twice = np.r_[np.arange(62), np.arange(62)]
    who = np.r_[np.arange(100), twice, [100]]
    when = np.r_[np.full(100, JANUARY), np.full(124, JANUARY + 3), [JANUARY + 3]]
    found = cohorts_of(opened, who, when, JANUARY + 4, months=5)
    first = found[0]
    assert (first.month, first.customers) == ("2026-01", 100)
    assert first.active == (100, 0, 0, 62, 0)
    assert first.retained(3) == pytest.approx(0.62)
    assert first.retained(5) is None
    assert found[1].active == (0, 0, 1, 0)
    assert found[4].customers == 0
    assert found[4].retained(0) is None
    table = cohort_table(found)
    assert table.rows[0][0].text.en == "2026-01"
    assert table.rows[0][5].text.en == "62%"
    assert table.rows[4][3].text.en == "—"


def test_months_are_named_over_the_years_end() -> None:
    from datetime import date

    assert month_name(month_number(date(2026, 12, 31))) == "2026-12"
    assert month_name(month_number(date(2026, 12, 31)) + 1) == "2027-01"


def test_nobody_costs_nothing_and_has_no_cost_each() -> None:
    assert Acquired("app", 30, 150_000).each == 5_000
    assert Acquired("app", 0, 0).each is None
