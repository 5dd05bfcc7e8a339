"""The move of budgets, stocks and grants onto the ledger: equal to the old counters, posted once, the counters gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
import sqlalchemy
from sqlalchemy import Connection, text
from sqlalchemy.pool import NullPool

from bankloop.benefit.grants import (
    BUDGET,
    BUDGET_EXHAUSTED,
    STOCK,
    GrantLife,
    grant_benefits,
    grant_of,
    pool_of,
    pools,
    redeem_grant,
    return_grant,
)
from bankloop.kit.clock import FixedClock
from bankloop.ledger.statements import check_ledger
from bankloop.organization.principals import system
from bankloop.store.database import Store, attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.schema import HEAD, revision_of, upgrade
from bankloop.store.sources import EmbeddedSource

PROGRAM = system("benefit")
BEFORE, MOVED = "0026", "0027"
# What the old counters say: of a and b as their grants do; of c five pieces beside its grants, whose rows are gone.
USED = {"budget:a:1": 9_000, "budget:b:2": 500, "stock:coupon": 4, "stock:gift": 6, "budget:a:2": 0}


def number(at: int) -> str:
    return str(UUID(int=at + 1))


@contextmanager
def superuser(server: EmbeddedServer, database: str) -> Iterator[Connection]:
    url = EmbeddedSource(server, database).admin_url().render_as_string(hide_password=False)
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def fill(connection: Connection) -> None:
    """Three grants of a, one of b, one without a budget, one refused, one from before its budget had a limit; two called off."""
    connection.execute(text("SELECT bankloop_partition('decision', '2026-06-01')"))
    grants = [
        ("a", 1, "coupon", 3_000, True), ("a", 1, "coupon", 3_000, True), ("a", 1, "coupon", 3_000, True),
        ("b", 2, "gift", 500, True), ("c", 1, "coupon", 700, True), ("a", 1, "coupon", 3_000, False),
        ("b", 2, "free", 800, True), ("a", 1, "coupon", 3_000, True), ("b", 2, "free", 800, True),
    ]  # fmt: skip
    for at, (campaign, round_, benefit, fen, granted) in enumerate(grants):
        connection.execute(
            text(
                "INSERT INTO decision SELECT :id, :campaign, :round, :customer, 'S0001', 'b', '2026-06-01', '2026-06-30', "
                "'', NULL, '2026-06-01', '', 'x', '', '', '{}', '{}', '{}', 1, '{}', NULL, '2026-06-01'"
            ),
            {"id": number(at), "campaign": campaign, "round": round_, "customer": f"C{at}"},
        )
        connection.execute(
            text(
                "INSERT INTO benefit_grant SELECT :id, :customer, 'S0001', :benefit, :fen, :granted, :refused, "
                "timestamptz '2026-06-02' - make_interval(mins => :at)"
            ),
            {"id": number(at), "customer": f"C{at}", "benefit": benefit, "fen": fen, "granted": granted,
             "refused": "" if granted else BUDGET_EXHAUSTED, "at": at},
        )  # fmt: skip
    for at, campaign in ((7, "a"), (8, "b")):
        connection.execute(
            text("INSERT INTO contact_stop (decision_id, customer_no, unit_id, campaign, reason) "
                 "VALUES (:id, 'C', 'S0001', :campaign, 'off')"), {"id": number(at), "campaign": campaign}
        )  # fmt: skip
    for pool, used in {**USED, "budget:a:1": 12_000, "stock:coupon": 5, "budget:b:2": 1_300}.items():
        connection.execute(text("INSERT INTO pool_use VALUES (:pool, :used)"), {"pool": pool, "used": used})


@pytest.fixture
def database(store_server: EmbeddedServer, request: pytest.FixtureRequest) -> str:
    name = f"grants_{request.node.name}"[:60]
    create_database(store_server, name)
    with superuser(store_server, name) as connection:
        upgrade(connection, BEFORE)
        fill(connection)
    return name


@pytest.fixture
def moved(store_server: EmbeddedServer, clock: FixedClock, tmp_path: Path, database: str) -> Iterator[Store]:
    with attach_store(tmp_path, clock, store_server, database) as opened:
        yield opened


def test_what_was_used_is_used_and_the_ledger_is_right(moved: Store) -> None:
    with moved.begin(PROGRAM) as connection:
        found = {f"{one.asset}:{one.name}": one.committed + one.spent for one in pools(connection)}
        assert found == {**{pool: used for pool, used in USED.items() if used}, "stock:free": 1}
        assert all(one.left == 0 and not one.used_up for one in pools(connection))
        held = connection.scalars(text("SELECT request FROM ledger_hold")).all()
        assert not {f"grant:{number(at)}" for at in (7, 8)} & set(held)
        assert pool_of(connection, STOCK, "gift").spent == 5
        assert pool_of(connection, BUDGET, "a:1").committed == 9_000
        assert check_ledger(connection) == ()
        lives = [grant_of(connection, number(at)).life for at in range(7)]
        assert lives == [GrantLife.ISSUED] * 5 + [GrantLife.REFUSED, GrantLife.ISSUED]
        assert connection.scalar(text("SELECT to_regclass('pool_use')")) is None


def test_grants_from_before_live_on(moved: Store) -> None:
    again = pa.Table.from_pylist(
        [
            {"decision_id": number(at), "customer_no": f"C{at}", "unit_id": "S0001", "benefit": "coupon",
             "reserved_fen": 3_000, "budget": "a:1"}
            for at in (0, 5, 10, 11, 12)
        ]
    )  # fmt: skip
    with moved.begin(PROGRAM) as connection:
        redeem_grant(connection, number(0), "order 1")
        return_grant(connection, number(1), "not wanted")
        outcome = grant_benefits(connection, again, {"a:1": 12_000}, {"coupon": 100})
        assert outcome["refused_by"].to_pylist() == ["", BUDGET_EXHAUSTED, "", "", BUDGET_EXHAUSTED]
        money = pool_of(connection, BUDGET, "a:1")
        assert (money.approved, money.committed, money.spent) == (12_000, 9_000, 3_000)
        assert check_ledger(connection) == ()


def posted(server: EmbeddedServer, database: str) -> list[dict[str, Any]]:
    tables = ("ledger_request", "ledger_entry", "ledger_hold", "ledger_balance", "benefit_grant")
    with superuser(server, database) as connection:
        assert revision_of(connection) == HEAD
        return [
            row
            for table in tables
            for row in connection.scalars(text(f"SELECT to_jsonb(t) FROM {table} t ORDER BY t::text"))
        ]


def test_a_rerun_posts_nothing(
    moved: Store, store_server: EmbeddedServer, clock: FixedClock, tmp_path: Path, database: str
) -> None:
    before = posted(store_server, database)
    assert len(before) > 30
    with superuser(store_server, database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": BEFORE})
        upgrade(connection, MOVED)
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})
    attach_store(tmp_path / "again", clock, store_server, database).close()
    assert posted(store_server, database) == before
