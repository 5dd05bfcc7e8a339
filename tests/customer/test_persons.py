"""A person of several numbers is one customer: what they have adds up, and each column of their rows survives by its rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bankloop.customer.buckets import Buckets, Happened
from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.contracts import State
from bankloop.customer.contribution import statements
from bankloop.customer.persons import NO_LEADS, SURVIVES, Survival, leading_numbers, led_numbers, persons_connection
from bankloop.customer.state import build_state, spark_state
from bankloop.customer.tier import averages
from bankloop.kit.clock import FixedClock
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ColumnType
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from tests.customer.test_state import AS_OF, FIRST, MIDNIGHT, event, holding, rows

CATALOGUE, ZONE = read_catalogue(), "Asia/Shanghai"
MERGED = pa.table({"customer_no": ["C2", "P7"], "party_no": ["C1", "C1"]})
HELD = [
    holding(1, "demand_deposit", 3_000_000, customer_no="C1"),
    holding(2, "term_deposit", 4_000_000, customer_no="C2", matures_on=date(2026, 7, 10), auto_renew=True),
    holding(3, "term_deposit", 100, customer_no="C1", matures_on=date(2026, 9, 1), auto_renew=False),
    holding(4, "wealth", 900_000, customer_no="C3"),
]
EVENTS = [
    event(1, "login", FIRST, customer_no="C1"),
    event(2, "login", FIRST + timedelta(hours=1), customer_no="C2"),
    event(3, "login", FIRST + timedelta(days=2), customer_no="C2"),
    event(4, "transfer_out", MIDNIGHT - timedelta(days=1), customer_no="P7", amount_fen=6_000_000),
    event(5, "page_view", MIDNIGHT - timedelta(days=2), customer_no="C3", scene="wealth"),
]
PEOPLE: list[dict[str, Any]] = [
    {"customer_no": "C1", "birth_date": None, "branch_id": "B1", "opened_on": date(2021, 1, 1), "risk_tolerance": 4,
     "risk_assessed_on": date(2024, 1, 1), "acquisition_cost_fen": 5, "marketing_consent": True, "phone_valid": True},
    {"customer_no": "C2", "birth_date": date(1990, 7, 1), "branch_id": "B2", "opened_on": date(2019, 1, 1), "overdue_days": 9,
     "risk_tolerance": 2, "risk_assessed_on": date(2026, 6, 1), "frozen": True, "complaint_on": date(2026, 6, 20),
     "employer_id": "E1", "acquisition_cost_fen": 7, "wecom_friend": True},
    {"customer_no": "C3", "birth_date": date(1980, 1, 1), "branch_id": "B3", "marketing_consent": True},
]  # fmt: skip


def lake_of(folder: Path) -> Lake:
    lake = Lake(folder, MemoryManifest(), FixedClock(datetime(2026, 9, 1, tzinfo=UTC)), memory="512MB", threads=2)
    lake.publish("customer", rows("customer", *PEOPLE), AS_OF)
    lake.publish("holding", rows("holding", *HELD), AS_OF)
    lake.append("event", rows("event", *EVENTS), AS_OF)
    return lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lake_of(tmp_path_factory.mktemp("persons"))


@pytest.fixture(scope="module")
def leads(lake: Lake) -> pa.Table:
    with lake.engine() as engine:
        customers = engine.sql(f"SELECT customer_no FROM {lake.reading(lake.version('customer'))}").to_arrow_table()
    return leading_numbers(MERGED, customers["customer_no"])


@pytest.fixture(scope="module")
def merged(lake: Lake, leads: pa.Table) -> State:
    return build_state(lake, CATALOGUE, AS_OF, leads=leads)


@pytest.mark.parametrize(
    ("parties", "customers", "wanted"),
    [
        ([], ["C1"], {}),
        ([("C2", "C1")], ["C1", "C2"], {"C1": "C1", "C2": "C1"}),
        # The party's own number is no customer's: the lowest that is leads.
        ([("C2", "P9"), ("C1", "P9")], ["C1", "C2"], {"C1": "C1", "C2": "C1", "P9": "C1"}),
        # It leads, however high it is.
        ([("C1", "C5"), ("C2", "C5")], ["C1", "C2", "C5"], {"C1": "C5", "C2": "C5", "C5": "C5"}),
        # It is gone from the customers: another number stands for the person.
        ([("C2", "C1"), ("C3", "C1")], ["C2", "C3"], {"C1": "C2", "C2": "C2", "C3": "C2"}),
        # Nobody of the party is a customer.
        ([("P2", "P1")], ["C1"], {}),
    ],
)
def test_one_number_leads(parties: list[tuple[str, str]], customers: list[str], wanted: dict[str, str]) -> None:
    given = pa.table(
        {
            "customer_no": pa.array([a for a, _ in parties], pa.string()),
            "party_no": pa.array([b for _, b in parties], pa.string()),
        }
    )
    found = leading_numbers(given, pa.chunked_array([customers], pa.string()))
    assert dict(zip(found["customer_no"].to_pylist(), found["lead_no"].to_pylist(), strict=True)) == wanted
    asked = pa.chunked_array([["C1", "C9"]], pa.string())
    assert led_numbers(asked, found).to_pylist() == [wanted.get("C1", "C1"), "C9"]


def test_two_numbers_of_one_person_are_found_once_by_what_they_have_together(lake: Lake, merged: State) -> None:
    apart = build_state(lake, CATALOGUE, AS_OF).table
    assert apart.filter([one >= 5_000_000 for one in apart["aum"].to_pylist()])["customer_no"].to_pylist() == []
    table = merged.table
    assert table["customer_no"].to_pylist() == ["C1", "C3"]
    assert table.filter([one >= 5_000_000 for one in table["aum"].to_pylist()])["customer_no"].to_pylist() == ["C1"]
    row = merged.row("C1")
    assert (row["aum"], row["tier"], row["products_held"]) == (7_000_100, 2, 2)
    assert (row["next_maturity"], row["auto_renew_next"]) == (date(2026, 7, 10), True)
    # Two logins of one day are one day, whichever number logged in; what a channel's own number did is the person's.
    assert (row["login_days_30d"], row["large_outflow_30d"], row["days_since_last_activity"]) == (2, 6_000_000, 0)
    assert merged.row("C2") == {}


def test_each_column_of_a_person_s_rows_survives_by_its_rule(merged: State) -> None:
    row = merged.row("C1")
    assert (row["branch_id"], row["age"], row["phone_valid"]) == ("B1", 35, True)
    assert (row["frozen"], row["wecom_friend"], row["watchlist"]) == (True, True, False)
    assert (row["marketing_consent"], row["payroll"]) == (False, True)
    assert (row["overdue_days"], row["days_since_complaint"]) == (9, 10)
    assert (row["risk_tolerance"], row["has_valid_risk_assessment"]) == (2, True)
    assert (row["tenure_days"], row["acquisition_cost"]) == ((AS_OF - date(2019, 1, 1)).days, 12)


def test_the_rules_of_survival_name_columns_that_there_are() -> None:
    columns = {one.name: one for one in CONTRACTS["customer"].columns}
    assert set(SURVIVES) < set(columns)
    yes_or_no = {name for name, one in columns.items() if one.type is ColumnType.BOOL}
    # Only whether the leading number's phone is valid is a question of that number.
    assert yes_or_no - set(SURVIVES) == {"phone_valid"}
    assert {name for name, rule in SURVIVES.items() if rule in (Survival.ANY, Survival.EVERY)} < yes_or_no


def test_whoever_was_never_merged_and_whoever_is_no_more_are_as_they_were(lake: Lake, merged: State) -> None:
    apart = build_state(lake, CATALOGUE, AS_OF)
    assert merged.row("C3") == apart.row("C3")
    assert build_state(lake, CATALOGUE, AS_OF, leads=NO_LEADS).digest == apart.digest != merged.digest


def test_a_person_is_as_if_everything_had_been_written_under_one_number(
    lake: Lake, merged: State, tmp_path: Path
) -> None:
    one = Lake(tmp_path, MemoryManifest(), lake.clock, memory="512MB", threads=2)
    number = {"C2": "C1", "P7": "C1"}
    named = [
        [{**row, "customer_no": number.get(row["customer_no"], row["customer_no"])} for row in t]
        for t in (HELD, EVENTS)
    ]
    one.publish("customer", rows("customer", {"customer_no": "C1"}, {"customer_no": "C3"}), AS_OF)
    one.publish("holding", rows("holding", *named[0]), AS_OF)
    one.append("event", rows("event", *named[1]), AS_OF)
    names = [n for n, a in CATALOGUE.attributes.items() if a.kind in ("fact", "window")]
    added = [n for n in names if getattr(CATALOGUE[n].body, "table", "event") != "customer"]
    written = build_state(one, CATALOGUE, AS_OF).table.select(["customer_no", *added])
    assert merged.table.select(["customer_no", *added]).equals(written)


def test_the_buckets_of_all_numbers_are_the_person_s_windows(merged: State) -> None:
    parts = {number: Buckets(CATALOGUE, ZONE) for number in ("C1", "C2", "P7")}
    for one in EVENTS:
        if one["customer_no"] in parts:
            parts[one["customer_no"]].add(
                Happened(one["type"], one["occurred_at"], None, one.get("scene"), one.get("amount_fen"))
            )
    before = parts["C2"].values(AS_OF)
    whole = Buckets.together([*parts.values()]).values(AS_OF)
    assert whole == {name: merged.row("C1")[name] for name in whole}
    assert parts["C2"].values(AS_OF) == before


def test_scores_of_two_numbers_are_the_higher_one(lake: Lake, leads: pa.Table) -> None:
    given = pa.table({"customer_no": ["C1", "C2", "C3"], "score": pa.array([1, 900_000, 5], pa.int64())})
    found = build_state(lake, CATALOGUE, AS_OF, scores={"relation_risk": given}, leads=leads)
    assert [found.row(number)["relation_risk"] for number in ("C1", "C3")] == [900_000, 5]


def test_contribution_and_monthly_averages_are_of_the_person(lake: Lake, leads: pa.Table) -> None:
    found = statements(lake, AS_OF, leads=leads)
    assert set(found) == {"C1", "C3"}
    assert sum(line.average_fen for line in found["C1"].lines) == 7_000_100
    monthly = averages(lake, AS_OF, AS_OF + timedelta(days=1), leads)
    assert monthly is not None
    assert dict(zip(monthly[0].to_pylist(), monthly[1].tolist(), strict=True)) == {"C1": 7_000_100, "C3": 900_000}


def test_what_is_asked_in_sql_sees_a_person_once_too(lake: Lake, leads: pa.Table) -> None:
    with persons_connection(lake, "test", leads) as engine:
        assert engine.sql("SELECT DISTINCT customer_no FROM event ORDER BY 1").fetchall() == [("C1",), ("C3",)]
        assert engine.sql("SELECT count(*) FROM customer WHERE frozen").fetchall() == [(1,)]


@pytest.mark.spark
def test_spark_says_the_same_of_a_person(lake: Lake, leads: pa.Table, merged: State, spark_session: Any) -> None:
    files = {name: lake.paths(lake.version(name)) for name in ("customer", "holding", "event")}
    theirs = spark_state(spark_session, files, CATALOGUE, AS_OF, ZONE, leads)
    assert [name for name in merged.table.column_names if not merged.table[name].equals(theirs[name])] == []
