"""Row-level security and grants, as the roles meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import text

import bankloop
from bankloop.kit.errors import BankloopError, DeniedError
from bankloop.store.audit import record_audit
from bankloop.store.contracts import DecisionBatch, Principal, Role
from bankloop.store.database import Store, ask_bank_wide
from bankloop.store.history import append_decisions, append_events, read_decisions
from bankloop.store.outbox import enqueue
from bankloop.store.questions import Question, ask, ask_all
from bankloop.store.reasons import RAISED

Decisions = Callable[..., DecisionBatch]


@pytest.fixture
def filled(store: Store, system: Principal, decisions: Decisions, events: Callable[..., pa.Table]) -> Store:
    with store.begin(system) as connection:
        append_decisions(connection, decisions(40))
        append_events(connection, events(40))
        enqueue(connection, "delivery", "1", "B01", {})
        record_audit(connection, "test.fill", "test", "1", None, {}, "")
    return store


def test_a_branch_sees_its_own_rows_only(filled: Store, branch: Principal, put_in_book: Callable[..., None]) -> None:
    for unit in range(4):
        put_in_book([f"C{i:07d}" for i in range(unit, 40, 4)], f"B{unit:02d}")
    with filled.begin(branch) as connection:
        found = read_decisions(connection, ["bind-card"])
    assert set(found.column("unit_id").to_pylist()) == {"B01"}
    assert found.num_rows == 10


@pytest.mark.parametrize("table", ["event", "decision", "decision_key", "outbox", "contact", "staff_task"])
def test_who_is_not_introduced_sees_nothing(filled: Store, table: str) -> None:
    with filled.begin(Principal("nobody")) as connection:
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    with filled._engine(Role.APP).connect() as connection:  # a connection past begin: no settings at all
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_settings_end_with_the_transaction(filled: Store, system: Principal) -> None:
    engine = filled._engine(Role.APP)
    with filled.begin(system) as connection:
        assert connection.scalar(text("SELECT count(*) FROM decision")) == 40
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM decision")) == 0


def test_a_branch_cannot_write_for_another(store: Store, branch: Principal, decisions: Decisions) -> None:
    with pytest.raises(DeniedError, match="the rows are not theirs"), store.begin(branch) as connection:
        append_decisions(connection, decisions(4))


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("event", "type"), ("decision", "cell"), ("contact", "channel"), ("audit", "verb"), ("event_key", "source")],
)
@pytest.mark.parametrize("role", [Role.APP, Role.LOADER, Role.AUDITOR])
def test_what_is_appended_stays(
    filled: Store, system: Principal, statement: str, table: str, column: str, role: Role
) -> None:
    with pytest.raises(DeniedError), filled.begin(system, role) as connection:
        connection.execute(text(statement.format(table, column, column)))


def test_the_auditor_reads_all_and_writes_nothing(filled: Store) -> None:
    auditor = Principal("zhou", frozenset({"auditor"}), (), "audit")
    with filled.begin(auditor, Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM decision")) == 40
        assert connection.scalar(text("SELECT count(*) FROM audit")) == 1
    with pytest.raises(DeniedError), filled.begin(auditor, Role.AUDITOR) as connection:
        record_audit(connection, "test.write", "test", "2", None, None, "")


def test_the_app_does_not_read_the_audit_trail(filled: Store, system: Principal) -> None:
    with pytest.raises(DeniedError), filled.begin(system) as connection:
        connection.execute(text("SELECT * FROM audit"))


def test_a_month_is_not_a_way_around(filled: Store, system: Principal) -> None:
    with pytest.raises(DeniedError), filled.begin(system) as connection:
        connection.execute(text("SELECT * FROM decision_p202606"))


def test_security_is_forced_and_no_role_is_above_it(store: Store, system: Principal) -> None:
    with store.begin(system, Role.OWNER) as connection:
        bare = connection.scalars(
            text(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "WHERE a.attname = 'customer_no' AND c.relkind IN ('r', 'p') "
                "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
            )
        ).all()
        above = connection.scalars(
            text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'bankloop%' AND (rolsuper OR rolbypassrls)")
        ).all()
        assert connection.scalar(text("SELECT current_user")) == Role.OWNER
    assert bare == []
    assert above == []


def test_a_unit_id_cannot_smuggle_another(store: Store) -> None:
    with pytest.raises(DeniedError), store.begin(Principal("mallory", units=("B01,*",))):
        pass


def test_questions_asked_bank_wide_leave_the_reader_where_they_were(
    filled: Store, branch: Principal, put_in_book: Callable[..., None]
) -> None:
    put_in_book([f"C{i:07d}" for i in range(40)], "B02")
    put_in_book(["C0000041"], "B01")
    seen = Question(b"SELECT count(*) FROM decision", lambda rows: int(rows[0][0]))
    who = Question(b"SELECT current_setting('bankloop.units')", lambda rows: str(rows[0][0]))
    with filled.begin(branch) as connection:
        assert ask_all(connection, seen, who) == [0, ",".join(branch.units)]
        assert ask_bank_wide(connection, seen, who) == [40, "*"]
        assert [ask(connection, seen), ask(connection, who)] == [0, ",".join(branch.units)]
    wrong = Question(b"SELECT %(number)s::bigint", lambda rows: rows, {"number": "many"})
    with pytest.raises(BankloopError), filled.begin(branch) as connection:
        ask_bank_wide(connection, seen, wrong, seen)


def test_connections_that_died_in_the_pool_are_replaced(filled: Store, system: Principal) -> None:
    with filled.begin(system), filled.begin(system):  # two wait in the pool
        pass
    with psycopg.connect(filled.admin_dsn(), autocommit=True) as admin:
        ended = admin.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert ended is not None
    assert ended[0] >= 2
    with filled.begin(system) as connection, filled.begin(system) as other:
        assert connection.scalar(text("SELECT count(*) FROM decision")) == 40
        assert other.scalar(text("SELECT current_setting('bankloop.principal')")) == system.id


def test_whatever_our_own_database_refuses_is_said_in_its_own_reason() -> None:
    """Each sentence that a trigger or a function of ours raises as a refusal has its words in both languages."""
    raised = {
        words
        for path in (Path(bankloop.__file__).parent / "store" / "migrations").rglob("*.py")
        for words in re.findall(
            r"RAISE EXCEPTION '([^'%]+)'\s+USING ERRCODE = 'insufficient_privilege'", path.read_text(encoding="utf-8")
        )
    }
    assert raised == set(RAISED)
    assert len(raised) >= 5
