"""Books of customers: loaded, followed by everything about the customer, transferred once from a moment on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError, DeniedError, NotFoundError
from bankloop.kit.ids import uuid7
from bankloop.organization.granting import approve_transfer, submit_transfer
from bankloop.organization.people import (
    PeopleReport,
    Transfer,
    book_of,
    customer_counts,
    customers_of_units,
    move_staff,
    numbers_kept,
)
from bankloop.organization.task import assign_task, create_tasks, tasks_for, tasks_of
from bankloop.store.contracts import Principal
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from tests.organization.conftest import BOOK, PEOPLE_SYSTEM, Folk

NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
Seen = Callable[[Principal], set[str]]


def numbers(start: int) -> set[str]:
    return {f"C{start + i:04d}" for i in range(BOOK)}


def submit(folk: Folk, **more: object) -> Transfer:
    with folk.store.begin(folk.who("branch_commander", "tasks")) as connection:
        return submit_transfer(connection, "M00001", "M00003", "restructured", **more)  # type: ignore[arg-type]


def approve(folk: Folk, transfer: Transfer) -> Transfer:
    with folk.store.begin(folk.who("branch_approver", "approval")) as connection:
        return approve_transfer(connection, transfer.transfer_id)


def test_who_sees_which_customers(folk: Folk, seen: Seen) -> None:
    assert seen(folk.who("relationship_manager", "service")) == numbers(0)
    assert seen(folk.who("sub_branch_head", "tasks")) == numbers(0) | numbers(10) | {"C0900", "K0001"}
    assert seen(folk.who("branch_commander", "tasks")) == numbers(0) | numbers(10) | numbers(20) | {"C0900", "K0001"}
    assert seen(folk.who("hq_strategist", "campaign")) == set(folk.books)
    for role in ("system_admin", "security_admin", "remote_agent", "partner_agent", "benefit_owner"):
        assert seen(folk.who(role)) == set(), role


def test_a_line_sees_its_own_line(folk: Folk, seen: Seen) -> None:
    folk.give("M00003", "branch_commander", ("B001",), ("corporate",))
    assert seen(folk.who("M00003", "tasks", role="branch_commander")) == {"K0001"}


def test_a_second_load_changes_what_the_source_changed(folk: Folk) -> None:
    assert folk.load() == PeopleReport(0, 0, 0)
    folk.books["C0001"] = ("S0001", "M00002", "retail")
    folk.books["C0999"] = ("S0002", None, "retail")
    assert folk.load() == PeopleReport(0, 0, 2)
    assert folk.load() == PeopleReport(0, 0, 0)


def test_a_transfer_takes_two_people_and_moves_the_book_once(folk: Folk, seen: Seen) -> None:
    folk.give("M00003", "relationship_manager")
    wanted = submit(folk)
    assert seen(folk.who("M00001", "service")) == numbers(0)
    done = approve(folk, wanted)
    assert (done.state, done.moved, done.decided_by) == ("open", BOOK, "branchcheck")
    assert seen(folk.who("M00001", "service")) == set()
    assert approve(folk, wanted).moved == BOOK
    assert seen(folk.who("M00003", "service")) == numbers(0) | numbers(20)


def test_a_load_does_not_undo_a_transfer(folk: Folk, store: Store) -> None:
    approve(folk, submit(folk, customers=["C0000"]))
    assert folk.load().customers == 0
    with store.begin(PEOPLE_SYSTEM) as connection:
        open_rows = connection.execute(
            text("SELECT staff_id FROM customer_book WHERE customer_no = 'C0000' AND valid_to IS NULL")
        ).all()
    assert open_rows == [("M00003",)]


def test_from_the_moment_of_validity_the_new_manager_sees_it_and_the_old_no_more(
    folk: Folk, store: Store, store_server: EmbeddedServer, database: str, seen: Seen
) -> None:
    folk.give("M00003", "relationship_manager")
    approve(folk, submit(folk, effective_at=NOW + timedelta(days=1), customers=["C0000", "C0001"]))
    assert seen(folk.who("M00001", "service")) == numbers(0)
    assert seen(folk.who("M00003", "service")) == numbers(20)
    with attach_store(store.folder, FixedClock(NOW + timedelta(days=1)), store_server, database) as after:
        folk.store = after
        old, new = folk.who("M00001", "service"), folk.who("M00003", "service")
        for principal, expected in (
            (old, numbers(0) - {"C0000", "C0001"}),
            (new, numbers(20) | {"C0000", "C0001"}),
        ):
            with after.begin(principal) as connection:
                assert {row.customer_no for row in book_of(connection, principal.id)} == expected


def test_a_manager_moved_yesterday_sees_the_new_book_only(
    folk: Folk, store: Store, store_server: EmbeddedServer, database: str
) -> None:
    yesterday = NOW + timedelta(days=1)
    with store.begin(folk.who("system_admin")) as connection:
        move_staff(connection, "M00001", "S0002", "relationship_manager", "moved", yesterday)
    assert folk.who("M00001", "service").units == ("S0001",)
    with attach_store(store.folder, FixedClock(NOW + timedelta(days=2)), store_server, database) as after:
        folk.store = after
        with after.begin(PEOPLE_SYSTEM) as connection:
            connection.execute(
                text(
                    "INSERT INTO customer_book (customer_no, line, valid_from, unit_id, staff_id, says) "
                    "VALUES ('C0700', 'retail', :at, 'S0002', 'M00001', '')"
                ),
                {"at": yesterday},
            )
        principal = folk.who("M00001", "service")
        assert principal.units == ("S0002",)
        with after.begin(principal) as connection:
            assert [row.customer_no for row in book_of(connection, "M00001")] == ["C0700"]


def test_nobody_approves_a_transfer_of_their_own(folk: Folk, store: Store) -> None:
    wanted = submit(folk)
    folk.give("M00003", "branch_approver", ("B001",))
    folk.give("commander", "branch_approver", ("B001",))
    for person in ("M00003", "commander"):
        principal = folk.who(person, "approval", role="branch_approver")
        with pytest.raises(DeniedError, match=r"same_person|whom it is about"), store.begin(principal) as connection:
            approve_transfer(connection, wanted.transfer_id)


def test_another_branch_neither_sees_nor_decides(folk: Folk, store: Store) -> None:
    wanted = submit(folk)
    folk.give("M00004", "branch_approver", ("B002",))
    other = folk.who("M00004", "approval", role="branch_approver")
    with pytest.raises(NotFoundError), store.begin(other) as connection:
        approve_transfer(connection, wanted.transfer_id)
    folk.give("M00004", "branch_commander", ("B002",))
    with (
        pytest.raises(BankloopError, match="empty_book"),
        store.begin(folk.who("M00004", "tasks", role="branch_commander")) as connection,
    ):
        submit_transfer(connection, "M00001", "M00004", "mine")


def test_across_branches_only_who_answers_for_both_approves(folk: Folk, store: Store) -> None:
    with store.begin(folk.who("branch_commander", "tasks")) as connection:
        wanted = submit_transfer(connection, "M00001", "M00004", "moved house", customers=["C0003"])
    with pytest.raises(DeniedError, match="out_of_scope"):
        approve(folk, wanted)
    with store.begin(folk.who("hq_approver", "approval")) as connection:
        assert approve_transfer(connection, wanted.transfer_id).moved == 1


def test_ten_approvals_at_once_take_effect_once(folk: Folk) -> None:
    wanted = submit(folk)

    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: approve(folk, wanted), range(10)))
    assert {(one.state, one.moved) for one in found} == {("open", BOOK)}
    with folk.store.begin(PEOPLE_SYSTEM) as connection:
        assert (
            connection.scalar(text("SELECT count(*) FROM customer_book WHERE staff_id = 'M00003' AND valid_to IS NULL"))
            == 20
        )


@pytest.mark.parametrize("hostile", ["' OR 1=1 --", "C0000') OR ('1'='1", "{M00001,M00002}", "%", "M00001'"])
def test_filters_are_values_never_sql(folk: Folk, store: Store, hostile: str) -> None:
    with store.begin(folk.who("relationship_manager", "service")) as connection:
        assert book_of(connection, hostile) == []
        assert customers_of_units(connection, [hostile]) == []
        assert numbers_kept(connection, hostile, ()).to_pylist() == []
        assert numbers_kept(connection, "", [hostile]).to_pylist() == []
        assert customer_counts(connection, [hostile]) == {}
        assert tasks_of(connection, hostile, NOW.date(), NOW.date()) == []
        shown = book_of(connection, "M00001", after=hostile)
        assert {row.customer_no for row in shown} <= numbers(0)


def test_a_decision_undone_leaves_the_book_whole(folk: Folk, seen: Seen) -> None:
    wanted = submit(folk)

    def fail() -> None:
        with folk.store.begin(folk.who("branch_approver", "approval")) as connection:
            approve_transfer(connection, wanted.transfer_id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert seen(folk.who("M00001", "service")) == numbers(0)
    assert approve(folk, wanted).moved == BOOK


def test_a_manager_has_the_own_book_and_what_is_due_today(folk: Folk, store: Store) -> None:
    folk.give("M00003", "relationship_manager")
    today, tomorrow = NOW.date(), NOW.date() + timedelta(days=1)
    rows = [("C0020", today), ("C0021", tomorrow), ("C0000", today), ("C0030", today), ("C0031", today)]
    tasks = pa.table(
        {
            "decision_id": [str(uuid7(0)) for _ in rows],
            "campaign": ["c"] * len(rows),
            "round": pa.array([1] * len(rows), pa.int32()),
            "customer_no": [customer for customer, _ in rows],
            "unit_id": ["B001"] * len(rows),
            "due_on": [day for _, day in rows],
            "action": ["a"] * len(rows),
            "value_fen": list(range(len(rows))),
            "script_version": ["s"] * len(rows),
            "reason": ["plan"] * len(rows),
        }
    )
    with store.begin(PEOPLE_SYSTEM) as connection:
        create_tasks(connection, tasks, {"B001": 9})
        given = next(t for t in tasks_of(connection, "B001", today, today) if t.customer_no == "C0031")
        assign_task(connection, given.task_id, "M00003")
    with store.begin(folk.who("M00003", "service")) as connection:
        assert {row.customer_no for row in book_of(connection, "M00003")} == numbers(20)
        assert {t.customer_no for t in tasks_for(connection, "M00003", today, today)} == {"C0020", "C0031"}
        assert tasks_for(connection, "M00001", today, today) == []
        assert {t.customer_no for t in tasks_of(connection, "B001", today, tomorrow)} == {
            "C0020", "C0021", "C0031",
        }  # fmt: skip


def test_a_column_of_numbers_holds_who_may_be_seen(folk: Folk, store: Store) -> None:
    with store.begin(folk.who("relationship_manager", "service")) as connection:
        own = {row.customer_no for row in book_of(connection, "M00001")}
        assert own
        assert set(numbers_kept(connection, "M00001", ()).to_pylist()) == own
        units = sorted({row.unit_id for row in book_of(connection, "M00001")})
        assert set(numbers_kept(connection, "", units).to_pylist()) == own  # of a unit no other's customers
