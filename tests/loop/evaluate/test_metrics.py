"""The catalogue of metrics: right by hand, exact at every level, the same when a past day is asked for again."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bankloop.kit.errors import BankloopError, NotFoundError
from bankloop.loop import evaluate
from bankloop.loop.evaluate import NEEDS, MetricVersion
from bankloop.performance.scorecard import _active, metrics_of, scorecard
from bankloop.report.scorecard import drill_table, metric_tables
from tests.bankfixture import SmallBank
from tests.loop.people import AS_OF

ADDITIVE = ("customers", "aum", "mau", "cross_sell", "products_per_customer", "aum_month_average")


def day_of(small: SmallBank) -> date:
    return max(one.as_of for one in small.open.lake.manifest.versions("customer"))


@pytest.mark.capability("H7")
def test_mau_counts_each_customer_once_in_the_month(small: SmallBank) -> None:
    day = day_of(small)
    [found] = scorecard(small.open, day, keys=["mau"])
    with small.open.lake.connection(evaluate_scope()) as connection:
        rows = connection.sql("SELECT customer_no, occurred_at FROM event WHERE type = 'login'").to_arrow_table()
    local = rows["occurred_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", "Asia/Shanghai"))
    days = local.cast(pa.date32())
    inside = pc.and_(pc.greater_equal(days, pa.scalar(day.replace(day=1))), pc.less_equal(days, pa.scalar(day)))
    logins = rows.filter(inside)["customer_no"]
    assert len(logins) > len(pc.unique(logins))  # somebody logged in twice and counts once
    assert found.above == len(pc.unique(logins))


@pytest.mark.capability("H7")
def test_traffic_counts_every_visit_and_scenes_the_customers_who_paid_in_one(small: SmallBank) -> None:
    day = day_of(small)
    traffic, scenes = scorecard(small.open, day, keys=["platform_traffic", "scene_customers"])
    with small.open.lake.connection(evaluate_scope()) as connection:
        month = (
            "FROM event WHERE date_trunc('month', (occurred_at AT TIME ZONE 'Asia/Shanghai')::DATE) = $first "
            "AND (occurred_at AT TIME ZONE 'Asia/Shanghai')::DATE <= $day "
            "AND (recorded_at AT TIME ZONE 'Asia/Shanghai')::DATE <= $day"
        )
        asked = {"first": day.replace(day=1), "day": day}
        visits = f"SELECT count(*), count(DISTINCT customer_no) {month} AND type IN ('login', 'page_view')"
        [(times, people)] = connection.execute(visits, asked).fetchall()
        paid = f"SELECT count(DISTINCT customer_no) {month} AND type IN ('transaction', 'purchase', 'first_wallet_payment')"
        [(payers,)] = connection.execute(paid, asked).fetchall()
    assert traffic.above == times > people
    assert scenes.above == payers > 0
    said = metrics_of(small.open)
    assert "次数" in said["platform_traffic"].on(day).formula.zh
    whole = said["scene_customers"].on(day)
    assert whole.scenes == ("*",)
    state = small.open.state(day).table.select(["customer_no"])

    def counted(*scenes: str) -> int:
        return int(_active(small.open, whole.model_copy(update={"scenes": scenes}), day, state).sum())

    # In the small bank card purchases are of one scene and payments of another; nobody pays in a scene that there is not.
    assert 0 < counted("education") < counted("education", "retail") == payers
    assert counted("nowhere") == 0


def evaluate_scope() -> object:
    from bankloop.lake.contracts import Scope

    return Scope.whole_bank("test")


@pytest.mark.capability("H8")
def test_cross_sell_is_holders_of_two_products_among_holders(small: SmallBank) -> None:
    day = day_of(small)
    [found] = scorecard(small.open, day, keys=["cross_sell"])
    with small.open.persons("test") as connection:
        rows = connection.sql("SELECT count(DISTINCT product_class) FROM holding GROUP BY customer_no").fetchall()
    kinds = [kinds for (kinds,) in rows]
    several, holders = sum(n >= 2 for n in kinds), len(kinds)
    assert 0 < several < holders
    assert (found.above, found.below, found.value) == (several, holders, several / holders)
    tables = metric_tables([found], metrics_of(small.open), day)
    [shown] = [row for table in tables for row in table.rows]
    assert f"{several / holders:.1%}" in shown[1].text.en


@pytest.mark.parametrize("key", ADDITIVE)
def test_every_level_adds_up_exactly_to_the_one_above(small: SmallBank, key: str) -> None:
    day = day_of(small)
    [whole] = scorecard(small.open, day, keys=[key])
    branches = scorecard(small.open, day, "branch", keys=[key])
    assert sum(one.above for one in branches) == whole.above
    first = branches[0]
    for level in ("sub_branch", "manager", "customer"):
        inside = scorecard(small.open, day, level, {"branch": first.group}, [key])
        assert sum(one.above for one in inside) == first.above
        if whole.below > 31:
            assert sum(one.below for one in inside) == first.below


@pytest.mark.capability("H19")
def test_a_past_day_keeps_its_numbers(small: SmallBank) -> None:
    """Asked again after later files and events, an earlier day says what it said: by what was known then."""
    versions = sorted({one.as_of for one in small.open.lake.manifest.versions("holding")})
    assert len(versions) > 1
    past = versions[0]
    before = scorecard(small.open, past)
    scorecard(small.open, versions[-1])
    assert scorecard(small.open, past) == before
    [then], [now] = (scorecard(small.open, day, keys=["aum"]) for day in (past, versions[-1]))
    balances = small.open.state(past).table["aum"]
    assert then.above == pc.sum(balances).as_py()
    assert then.above != now.above


def test_a_past_day_is_counted_by_the_formula_of_that_day() -> None:
    metric = evaluate.read_metrics(Path("nowhere"))["cross_sell"]
    changed = MetricVersion(version=2, since=date(2026, 8, 1), above="products_held >= 3", below="products_held >= 1")
    both = metric.model_copy(update={"versions": (*metric.versions, changed)})
    assert both.on(date(2026, 7, 31)).version == 1
    assert both.on(date(2026, 8, 1)).version == 2
    assert both.on(date(1999, 1, 1)).version == 1


@pytest.mark.capability("H24")
def test_each_metric_serves_one_need_and_each_need_has_metrics(small: SmallBank) -> None:
    catalogue = metrics_of(small.open)
    assert {one.need for one in catalogue.values()} == set(NEEDS)
    day = day_of(small)
    tables = metric_tables(scorecard(small.open, day), catalogue, day)
    shown = [row[0].drill for table in tables for row in table.rows]
    assert len(shown) == len(set(shown)) == len(catalogue)
    assert [table.name for table in tables] == [f"need-{need}" for need in NEEDS]


def test_every_metric_states_formula_owner_and_version(small: SmallBank) -> None:
    for metric in metrics_of(small.open).values():
        assert metric.owner
        assert [one.version for one in metric.versions] == sorted({one.version for one in metric.versions})
        assert all(one.formula.zh and one.formula.en for one in metric.versions)


def test_what_is_not_known_has_no_number(small: SmallBank) -> None:
    [found] = scorecard(small.open, day_of(small), keys=["aum_since_year_start"])
    assert found.value is None


def test_an_average_weighs_days(small: SmallBank) -> None:
    day = day_of(small)
    [average] = scorecard(small.open, day, keys=["aum_month_average"])
    assert average.below == day.day or average.below <= 31
    known = [scorecard(small.open, one, keys=["aum"])[0].above for one in (day, day - timedelta(days=40))]
    assert average.value is not None
    assert min(known) * 0.5 <= average.value <= max(known) * 1.5


def test_a_bank_s_own_metric_joins_and_an_unknown_one_is_refused(tmp_path: Path, small: SmallBank) -> None:
    (tmp_path / "metrics.yaml").write_text(
        "metrics:\n  - {key: seniors, title: {zh: 老年客户, en: Seniors}, owner: retail, need: operate, unit: count,\n"
        "     versions: [{version: 1, since: 2026-01-01, above: 'age >= 65'}]}\n",
        encoding="utf-8",
    )
    assert "seniors" in evaluate.read_metrics(tmp_path)
    with pytest.raises(NotFoundError) as error:
        scorecard(small.open, day_of(small), keys=["profit"])
    assert error.value.code == "metric.unknown"
    with pytest.raises(BankloopError) as level:
        scorecard(small.open, day_of(small), "continent")
    assert level.value.code == "metric.no_level"


def test_the_drill_s_table_says_that_it_adds_up(small: SmallBank) -> None:
    day = day_of(small)
    found = scorecard(small.open, day, "branch", keys=["customers"])
    table = drill_table(found, metrics_of(small.open)["customers"], "branch", "?by=sub_branch&branch=")
    assert len(table.rows) == len(found)
    assert table.note is not None
    assert f"{sum(one.above for one in found):,}" in table.note.en
    assert all((row[0].drill or "").startswith("?by=sub_branch&branch=") for row in table.rows)


def test_numbers_of_groups_are_whole_and_add_up() -> None:
    metric = evaluate.read_metrics(Path("nowhere"))["products_per_customer"]
    rng = np.random.default_rng(1)
    above, below = rng.integers(0, 2**40, 5_000), np.ones(5_000, np.int64)
    groups = rng.choice(["a", "b", "c"], 5_000).tolist()
    found = evaluate.numbers(metric, metric.on(AS_OF), above, below, groups)
    assert sum(one.above for one in found) == int(above.sum())
    assert sum(one.below for one in found) == 5_000
