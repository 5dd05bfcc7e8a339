"""The Berka bank, where its files are beside this checkout: mapped by queries alone, nothing lost, nothing dangling."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.relation import derived_edges
from bankloop.customer.state import build_state
from bankloop.kit.clock import FixedClock
from bankloop.lake.contracts import LoadReport
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake

NOW = datetime(1999, 1, 1, 9, tzinfo=UTC)
# As the data set's own documentation counts them; transactions are the subset's.
COUNTS = {
    "units": 77 + 8 + 1, "clients": 5_369, "accounts": 4_500, "loans": 682, "cards": 892, "joint_accounts": 869, "orders": 6_471,
    "transactions": 30_200,
}  # fmt: skip


@pytest.fixture(scope="module")
def berka(examples: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, LoadReport]:
    folder = tmp_path_factory.mktemp("berka") / "bank"
    shutil.copytree(examples / "berka", folder)
    shutil.copytree(shared_data / "berka", folder / "data" / "incoming")
    lake = Lake(folder, MemoryManifest(), FixedClock(NOW), memory="512MB", threads=2)
    return lake, load_bank(folder, lake)


def ask(lake: Lake, query: str) -> list[tuple[object, ...]]:
    """Ask the lake's tables, and the files themselves as views ``raw_…``."""
    raw = lake.folder / "data" / "incoming"
    with duckdb.connect() as engine:
        for table, version in lake.current_versions().items():
            engine.execute(f"CREATE VIEW {table} AS FROM read_parquet({lake.paths(lake.version(table, version))})")
        for name in ("order.csv.gz", "disp.csv.gz", "loan.csv"):
            engine.execute(f"CREATE VIEW raw_{name.split('.')[0]} AS FROM read_csv('{raw / name}')")
        return engine.execute(query).fetchall()


def test_counts_are_those_of_the_documentation_and_no_row_is_set_aside(berka: tuple[Lake, LoadReport]) -> None:
    _, report = berka
    assert {one.source: one.loaded for one in report.sources} == COUNTS
    assert sum(one.quarantined for one in report.sources) == 0
    assert {one.source: one.rows_read for one in report.sources} == COUNTS


def test_every_foreign_key_resolves(berka: tuple[Lake, LoadReport]) -> None:
    lake, _ = berka
    for table, column in (("holding", "customer_no"), ("standing_order", "customer_no"), ("event", "customer_no"),
                          ("relation", "from_no"), ("relation", "to_no")):  # fmt: skip
        dangling = ask(lake, f"SELECT count(*) FROM {table} ANTI JOIN customer c ON {table}.{column} = c.customer_no")
        assert dangling == [(0,)], (table, column)
    assert ask(lake, "SELECT count(*) FROM customer c ANTI JOIN unit u ON u.unit_id = c.sub_branch_id") == [(0,)]


def test_joint_accounts_are_relations_from_owner_to_who_else_may_dispose(berka: tuple[Lake, LoadReport]) -> None:
    lake, _ = berka
    edges = derived_edges(lake, date(1998, 12, 31))
    pairs = {(r["from_no"], r["to_no"]) for r in edges.to_pylist() if r["kind"] == "joint_account"}
    assert len(pairs) == 869
    assert ("2", "3") in pairs  # account 2: client 2 owns it, client 3 disposes of it
    assert all(owner != other for owner, other in pairs)


def test_standing_orders_are_attributes_that_equal_the_files(berka: tuple[Lake, LoadReport]) -> None:
    lake, _ = berka
    names = ("standing_orders", "household_orders", "pays_leasing", "loan_balance")
    state = build_state(lake, read_catalogue(lake.folder), date(1998, 12, 31), names=names).table
    assert state.num_rows == 5_369
    found = {
        row["customer_no"]: (row["standing_orders"], row["household_orders"], row["pays_leasing"])
        for row in state.to_pylist()
    }
    raw = ask(
        lake,
        "SELECT client_id::VARCHAR, count(*), coalesce(sum((amount * 100)::BIGINT) FILTER (k_symbol = 'SIPO'), 0)::BIGINT, "
        "coalesce(bool_or(k_symbol = 'LEASING'), false) "
        "FROM raw_order JOIN raw_disp USING (account_id) WHERE type = 'OWNER' GROUP BY 1",
    )
    wanted = {number: (count, household, leasing) for number, count, household, leasing in raw}
    assert {number: said for number, said in found.items() if said[0]} == wanted
    assert sum(said[0] for said in found.values()) == 6_471
    assert sum(said[1] for said in found.values()) == 1_396_541_700


def test_what_is_owed_is_of_running_loans_alone(berka: tuple[Lake, LoadReport]) -> None:
    lake, _ = berka
    loans = "FROM holding WHERE product_class = 'consumer_loan'"
    assert ask(lake, f"SELECT product_id, count(*) {loans} GROUP BY 1 ORDER BY 1") == [
        ("loan A", 203), ("loan B", 31), ("loan C", 403), ("loan D", 45),
    ]  # fmt: skip
    assert ask(lake, f"SELECT count(*) {loans} AND balance_fen > 0 AND product_id IN ('loan A', 'loan B')") == [(0,)]
    assert ask(lake, "SELECT count(*) FROM customer WHERE overdue_days > 0") == [(45,)]


def test_the_same_files_again_change_nothing(berka: tuple[Lake, LoadReport]) -> None:
    lake, _ = berka
    before = lake.current_versions()
    again = load_bank(lake.folder, lake)
    assert again.sources == ()
    assert {t: v for t, v in lake.current_versions().items() if t in ("customer", "holding", "relation", "event")} == {
        t: v for t, v in before.items() if t in ("customer", "holding", "relation", "event")
    }
