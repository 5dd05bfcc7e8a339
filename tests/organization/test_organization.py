"""Units, approvals by a second person, staff tasks: and every verb leaves its audit row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pyarrow as pa
import pytest
from sqlalchemy import Connection, text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, NotFoundError
from bankloop.kit.ids import uuid7
from bankloop.kit.text import Text
from bankloop.organization.approval import (
    ApprovalState,
    approvals,
    approve,
    comply,
    expire_approvals,
    is_approved,
    kill,
    recall,
    reject,
    review,
    submit_approval,
    void_approvals,
)
from bankloop.organization.contracts import Organization
from bankloop.organization.people import engage_staff, open_unit
from bankloop.organization.principals import auditor, branch_head, checker, compliance, maker, system
from bankloop.organization.task import (
    TaskState,
    assign_task,
    create_tasks,
    expire_tasks,
    finish_task,
    task_counts,
    tasks_of,
)
from bankloop.store.contracts import ModelVersion, Role
from bankloop.store.database import Store
from bankloop.store.registry import register_model
from bankloop.store.verbs import VERBS

MAKER, CHECKER = maker("wang"), checker("chen")
DAY = date(2026, 7, 1)


def train(connection: Connection, name: str, digest: str) -> None:
    """Enter a version of a model, so that approving it has something to make the champion."""
    register_model(connection, ModelVersion(name, 1, name, "uplift", {}, digest, f"data/models/{digest}"))


@pytest.fixture
def submitted(store: Store) -> UUID:
    with store.begin(MAKER) as connection:
        train(connection, "bind-card", "d1")
        return submit_approval(connection, "model", "bind-card", "d1")


def tasks(n: int, unit: str = "B01", start: int = 0) -> pa.Table:
    numbers = range(start, start + n)
    return pa.table(
        {
            "decision_id": [str(UUID(int=i + 1)) for i in numbers],
            "campaign": ["bind-card"] * n,
            "round": pa.array([1] * n, pa.int32()),
            "customer_no": [f"C{i}" for i in numbers],
            "unit_id": [unit] * n,
            "due_on": [DAY] * n,
            "action": ["call"] * n,
            "value_fen": list(numbers),
            "script_version": ["bind-card/1"] * n,
            "reason": ["临界提级"] * n,
        }
    )


def test_a_unit_holds_those_below_it() -> None:
    row = {"name_zh": "某", "name_en": "Some", "kind": "branch"}
    tree = [("HO", None), ("B01", "HO"), ("B01-1", "B01"), ("B02", "HO")]
    staff = [
        {
            "staff_id": "s1",
            "unit_id": "B01-1",
            "post": "relationship_manager",
            "on_leave": False,
            "minutes_per_day": 90,
        },
        {"staff_id": "s2", "unit_id": "B01-1", "post": "relationship_manager", "on_leave": True, "minutes_per_day": 90},
    ]
    bank = Organization.of([{"unit_id": unit, "parent_id": parent, **row} for unit, parent in tree], staff)
    assert bank.below("B01") == ("B01", "B01-1")
    assert branch_head("li", "HO", bank).units == ("B01", "B01-1", "B02", "HO")
    assert bank.task_capacity(15) == {"B01": 0, "B01-1": 6, "B02": 0, "HO": 0}


def test_a_second_person_approves(store: Store, submitted: UUID) -> None:
    with store.begin(CHECKER) as connection:
        assert not is_approved(connection, "model", "bind-card", "d1")
        assert approve(connection, submitted, "chen").state is ApprovalState.APPROVED
        assert approve(connection, submitted).checker == "chen"
        assert is_approved(connection, "model", "bind-card", "d1")
        assert not is_approved(connection, "model", "bind-card", "d2")


def test_the_maker_cannot_approve(store: Store, submitted: UUID) -> None:
    both = checker("wang")
    with pytest.raises(DeniedError, match="same_person"), store.begin(both) as connection:
        approve(connection, submitted)


def test_roles_and_names_are_checked(store: Store, submitted: UUID) -> None:
    with pytest.raises(DeniedError, match="not_allowed"), store.begin(MAKER) as connection:
        approve(connection, submitted)
    with pytest.raises(DeniedError, match="not_yours"), store.begin(CHECKER) as connection:
        approve(connection, submitted, "someone-else")
    with pytest.raises(DeniedError, match="not_yours"), store.begin(maker("li")) as connection:
        recall(connection, submitted)
    with pytest.raises(NotFoundError), store.begin(CHECKER) as connection:
        approve(connection, uuid7(0))


def test_an_edit_voids_an_approval(store: Store, submitted: UUID) -> None:
    with store.begin(CHECKER) as connection:
        approve(connection, submitted)
    with store.begin(MAKER) as connection:
        again = submit_approval(connection, "model", "bind-card", "d2")
        assert not is_approved(connection, "model", "bind-card", "d1")
        states = [a.state for a in approvals(connection, "model", "bind-card") if a.approval_id != again]
    assert states == [ApprovalState.VOID]


def test_submitting_twice_asks_once(store: Store, submitted: UUID) -> None:
    with store.begin(MAKER) as connection:
        assert submit_approval(connection, "model", "bind-card", "d1", "wang") == submitted


def test_what_is_recalled_is_over(store: Store, submitted: UUID) -> None:
    with store.begin(MAKER) as connection:
        assert recall(connection, submitted, "typo").state is ApprovalState.DRAFT
    with pytest.raises(ConflictError, match="not_open"), store.begin(CHECKER) as connection:
        approve(connection, submitted)


def test_tasks_keep_to_the_units_day(store: Store) -> None:
    with store.begin(system()) as connection:
        first = create_tasks(connection, tasks(5), {"B01": 3})
        assert (first.created, first.known, len(first.refused)) == (3, 0, 2)
        again = create_tasks(connection, tasks(5), {"B01": 3})
        assert (again.created, again.known, len(again.refused)) == (0, 3, 2)
        found = tasks_of(connection, "B01", DAY, DAY)
    assert [task.value_fen for task in found] == [4, 3, 2]
    assert found[0].reason == "临界提级"


def test_a_unit_without_capacity_gets_nothing(store: Store) -> None:
    with store.begin(system()) as connection:
        assert create_tasks(connection, tasks(2, "B09"), {"B01": 3}).created == 0


def test_a_branch_sees_its_own_tasks(store: Store, put_in_book: Callable[..., None]) -> None:
    put_in_book(["C0", "C1"], "B01")
    put_in_book(["C10", "C11"], "B02")
    bank = Organization.of([{"unit_id": "B01", "parent_id": None, "kind": "branch", "name_zh": "", "name_en": ""}])
    with store.begin(system()) as connection:
        create_tasks(connection, tasks(2), {"B01": 9})
        create_tasks(connection, tasks(2, "B02", start=10), {"B02": 9})
    with store.begin(branch_head("li", "B01", bank)) as connection:
        assert len(tasks_of(connection, "B01", DAY, DAY)) == 2
        assert tasks_of(connection, "B02", DAY, DAY) == []


def test_a_task_is_assigned_done_and_then_closed(store: Store) -> None:
    number = UUID(int=1)
    with store.begin(system()) as connection:
        _engaged(connection)
        create_tasks(connection, tasks(3), {"B01": 9})
        assign_task(connection, number, "s1")
        finish_task(connection, number, "bound the card")
        assert expire_tasks(connection, date(2026, 7, 2)) == 2
        counts = task_counts(connection, "bind-card", 1)
    assert {state: n for state, n in counts.items() if n} == {TaskState.DONE: 1, TaskState.EXPIRED: 2}
    with pytest.raises(ConflictError, match="task_closed"), store.begin(system()) as connection:
        finish_task(connection, number, "again")


def _engaged(connection: Connection) -> None:
    open_unit(connection, "B01", None, "branch", Text("某", "Some"))
    engage_staff(connection, "s1", "李", "B01", "relationship_manager")


def _submit(store: Store, digest: str = "d1") -> UUID:
    with store.begin(MAKER) as connection:
        train(connection, "x", digest)
        return submit_approval(connection, "model", "x", digest)


def _decided(store: Store, who: object, act: Callable[..., object], *arguments: object) -> None:
    request = _submit(store)
    with store.begin(who) as connection:  # type: ignore[arg-type]
        act(connection, request, *arguments)


def _voided(store: Store) -> None:
    _submit(store)
    with store.begin(MAKER) as connection:
        void_approvals(connection, "model", "x", "d2")


def _consented(store: Store, upto: str) -> None:
    with store.begin(MAKER) as connection:
        request = submit_approval(connection, "campaign", "x", "d1")
    with store.begin(compliance("consumer")) as connection:
        review(connection, request, positive=True, opinion="clear and fair")
    if upto == "compliance":
        with store.begin(compliance("compliance")) as connection:
            comply(connection, request)


def _expired(store: Store) -> None:
    with store.begin(MAKER) as connection:
        submit_approval(connection, "model", "x", "d1")
    store.clock = FixedClock(store.clock.now() + timedelta(days=20))
    with store.begin(system()) as connection:
        assert expire_approvals(connection) == 1


STORIES: dict[str, Callable[[Store], object]] = {
    "approval.submit": _submit,
    "approval.approve": lambda store: _decided(store, CHECKER, approve),
    "approval.reject": lambda store: _decided(store, CHECKER, reject, "unclear"),
    "approval.review": lambda store: _consented(store, "consumer"),
    "approval.comply": lambda store: _consented(store, "compliance"),
    "approval.kill": lambda store: _decided(store, compliance(), kill, "wrong price"),
    "approval.expire": _expired,
    "approval.recall": lambda store: _decided(store, MAKER, recall),
    "approval.void": _voided,
}


def test_every_verb_of_the_room_has_a_story() -> None:
    mine = "bankloop.organization.approval."
    assert {name for name, act in VERBS.items() if act.__module__.startswith(mine)} == set(STORIES)


@pytest.mark.parametrize("name", sorted(STORIES))
def test_every_verb_leaves_an_audit_row(store: Store, name: str) -> None:
    STORIES[name](store)
    with store.begin(auditor(), Role.AUDITOR) as connection:
        rows = connection.scalar(text("SELECT count(*) FROM audit WHERE verb = :name"), {"name": name})
    assert rows == 1
