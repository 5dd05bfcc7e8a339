"""Retention by month of opening as it is shown, acquisition cost by source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bankloop.kit.text import Text
from bankloop.performance.cohorts import Acquired, Cohort, Standing, group_standings, month_name, month_number
from bankloop.performance.journeys import Funnel, FunnelStage, read_journeys
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
    assert [cell.text.en for cell in row] == ["app", "400", "too soon", "95%", "50%"]
    assert row[0].drill == "?by=source&group=app"


def test_months_are_named_over_the_years_end() -> None:
    from datetime import date

    assert month_name(month_number(date(2026, 12, 31))) == "2026-12"
    assert month_name(month_number(date(2026, 12, 31)) + 1) == "2027-01"


def test_nobody_costs_nothing_and_has_no_cost_each() -> None:
    assert Acquired("app", 30, 150_000).each == 5_000
    assert Acquired("app", 0, 0).each is None


def came(group: str, customers: int, active: int) -> Cohort:
    return Cohort("2026-01", customers, (customers, 0, 0, active), group)


def test_a_group_too_small_to_be_told_from_the_others_is_said_to_be_so() -> None:
    # The three of the counter are all there; 600 of the partner's stay seldom and 1,000 of the app's often.
    found = [came("app", 1_000, 620), came("partner", 600, 240), came("counter", 3, 3)]
    standings = group_standings(found)
    assert standings == {"app": Standing.HIGHER, "partner": Standing.LOWER, "counter": Standing.ALIKE}
    shown = {row[0].text.en: (row[2].text.en, row[6].text.en) for row in group_retention(found, "source").rows}
    assert shown["counter"] == ("not told apart", "100%")
    assert shown["app"] == ("above the others", "62%")
    assert group_standings([came("app", 1_000, 620)]) == {"app": Standing.UNKNOWN}
    assert group_standings([came("app", 0, 0), came("counter", 5, 5)])["app"] is Standing.UNKNOWN


def test_of_groups_that_are_all_alike_one_table_in_twenty_at_most_names_any() -> None:
    rng, named = np.random.default_rng(7), 0
    sizes = [5, 20, 40, 80, 150, 300, 600, 1_000]
    for _ in range(400):
        active = rng.binomial(sizes, 0.3)
        found = [came(f"g{at}", size, int(n)) for at, (size, n) in enumerate(zip(sizes, active, strict=True))]
        named += any(one is not Standing.ALIKE for one in group_standings(found).values())
    assert named <= 0.075 * 400


def test_which_step_loses_most_is_said_only_where_chance_does_not_say_it() -> None:
    def funnel(*customers: int) -> Funnel:
        stages = tuple(FunnelStage(Text(str(at), str(at)), n, None) for at, n in enumerate(customers))
        return Funnel(read_journeys(Path("nowhere"))["newcomer"], stages)

    worst = funnel(1_000, 800, 300).worst
    assert worst is not None
    assert (worst[0].customers, round(worst[1], 3)) == (300, 0.625)
    assert funnel(10, 8, 5).worst is None
    assert funnel(0, 0, 0).worst is None
    assert funnel(10, 4).worst is not None
