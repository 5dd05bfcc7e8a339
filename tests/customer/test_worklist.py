"""Lists: what is usable becomes tasks, every other line comes back with its reason, what nobody began is recalled."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from datetime import UTC, date, datetime

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop import organization as house
from bankloop.customer.worklist import REASONS, read_rows, recall_list, take_list, work_lists
from bankloop.kit import BankloopError, DataError, DeniedError, InputError, NotFoundError
from bankloop.organization import TaskState
from bankloop.store import Role, Store, append_consents
from tests.customer.conftest import PROGRAM
from tests.organization.conftest import Folk, folk
from tests.organization.task.test_tasks import TODAY, plan

__all__ = ["folk"]
HEAD = ("客户号", "事项", "价值（元）", "说明", "多余的列")
DUE = date(2026, 7, 3)


def xlsx(*rows: tuple[object, ...], head: tuple[str, ...] = HEAD) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(head)
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def agree(store: Store, *customers: str, stands: bool = True) -> None:
    n = len(customers)
    said = [datetime(2026, 1, 1, tzinfo=UTC)] * n
    with store.begin(PROGRAM) as connection:
        append_consents(
            connection,
            pa.table({"customer_no": list(customers), "purpose": ["marketing"] * n, "stands": [stands] * n, "said_at": said, "origin": ["counter"] * n}),
        )  # fmt: skip


@pytest.mark.capability("A28")
def test_of_5000_rows_4951_are_usable_49_come_back_and_the_untouched_are_recalled(folk: Folk, store: Store) -> None:
    people = [f"L{place:05d}" for place in range(4_988)]
    folk.books |= dict.fromkeys(people, ("S0001", "M00001", "retail"))
    folk.load()
    agree(store, *people)
    plan(folk, *people[:37])  # a campaign is in touch with these
    rows = [(number, "到期承接", 1_000, "春季") for number in people] + [
        (f"NOBODY{n}", "", None, "") for n in range(12)
    ]
    assert len(rows) == 5_000
    body = xlsx(*rows)
    strategist = folk.who("hq_strategist", "campaign")
    with store.begin(strategist) as connection:
        done = take_list(connection, "春季名单", body, DUE, TODAY)
    assert (done.work_list.read, done.work_list.usable, len(done.refused)) == (5_000, 4_951, 49)
    assert Counter(one.code for one in done.refused) == {"running": 37, "unknown": 12}
    assert all(one.reason.zh and one.reason.en for one in done.refused)
    assert [one.line for one in done.refused[:2]] == [2, 3]
    assert done.dispatched is not None
    assert done.dispatched.keeper == 4_951

    # The same file again is the same list.
    with store.begin(strategist) as connection:
        again = take_list(connection, "春季名单", body, DUE, TODAY)
        assert again.known
        assert len(work_lists(connection)) == 1

    with store.begin(folk.who("M00001", "service")) as connection:
        mine = house.tasks_for(connection, "M00001", DUE, DUE)
        assert len(mine) == 4_951
        house.accept_task(connection, mine[0].task_id)
        house.log_outcome(connection, mine[1].task_id, "declined")
    with store.begin(strategist) as connection:
        assert recall_list(connection, done.work_list.list_id, "wrong month") == 4_949
        assert work_lists(connection)[0].recalled_at is not None
        states = Counter(connection.scalars(text("SELECT state FROM staff_task WHERE kind = 'list'")))
    assert states == {TaskState.RECALLED: 4_949, TaskState.ACCEPTED: 1, TaskState.DONE: 1}


def test_every_line_says_why_it_cannot_be_used(folk: Folk, store: Store) -> None:
    agree(store, "C0000", "C0001", "C0020")
    body = xlsx(
        ("C0000", "回访", "12.34", "=HYPERLINK(1)"),
        ("C0000", "回访", 1, ""),
        (None, "回访", 1, ""),
        ("C0001", "回访", "a lot", ""),
        ("C0002", "回访", 1, ""),
        (None, None, None, None),
        ("C0030", "回访", 1, ""),
        (20200131, "", "", ""),
    )
    # Of a branch's commander the customers of another branch are nobody's.
    with store.begin(folk.who("branch_commander", "tasks")) as connection:
        done = take_list(connection, "回访", body, DUE, TODAY)
    assert [(one.line, one.code) for one in done.refused] == [
        (3, "double"), (4, "empty"), (5, "value"), (6, "stopped"), (8, "unknown"), (9, "unknown")
    ]  # fmt: skip
    assert {one.code for one in done.refused} <= set(REASONS)
    with store.begin(house.system()) as connection:
        (task,) = house.tasks_of_customer(connection, "C0000")
        assert (task.value_fen, task.staff_id, task.reason) == (1_234, "M00001", "回访 · 回访")


def test_who_may_not_takes_no_list_and_sees_none_of_others(folk: Folk, store: Store) -> None:
    agree(store, "C0000")
    body = xlsx(("C0000", "x", 1, ""))
    for role, purpose in (("relationship_manager", "service"), ("sub_branch_head", "tasks"), ("auditor", "audit")):
        with pytest.raises(DeniedError), store.begin(folk.who(role, purpose)) as connection:
            take_list(connection, "x", body, DUE, TODAY)
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        done = take_list(connection, "x", body, DUE, TODAY)
    folk.give("M00004", "branch_commander", ("B002",))
    other = folk.who("M00004", "tasks", role="branch_commander")
    with pytest.raises(NotFoundError), store.begin(other) as connection:
        recall_list(connection, done.work_list.list_id, "mine")
    with store.begin(house.auditor(), Role.AUDITOR) as connection:
        verbs = set(connection.scalars(text("SELECT verb FROM audit WHERE verb LIKE 'worklist.%'")))
    assert verbs == {"worklist.take"}


def test_a_file_that_lies_about_its_type_is_huge_or_a_bomb() -> None:
    for body, words in ((b"MZ\x90 not at all", "BadZipFile"), (b"", "BadZipFile"), (packed({"a.txt": b"x"}), "zip")):
        with pytest.raises(DataError, match=words):
            read_rows(body)
    with pytest.raises(InputError, match="bytes"):
        read_rows(b"\0" * ((20 << 20) + 1))
    bomb = packed({"[Content_Types].xml": b"", "xl/workbook.xml": b"\0" * (301 << 20)})
    assert len(bomb) < 1 << 20
    with pytest.raises(InputError, match="unpacked"):
        read_rows(bomb)
    half = packed({"[Content_Types].xml": b"<x", "xl/workbook.xml": b"<y"})
    with pytest.raises(DataError, match="not_xlsx"):
        read_rows(half)
    with pytest.raises(DataError, match="no_column"):
        read_rows(xlsx(("1",), head=("姓名",)))
    assert read_rows(xlsx()) == ([], [])


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as into:
        for name, body in files.items():
            into.writestr(name, body)
    return out.getvalue()


CELLS = st.one_of(
    st.none(), st.text(max_size=12).filter(lambda s: s.isprintable()), st.integers(-9, 10**9), st.floats(-1e6, 1e6)
)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=8))
def test_no_line_is_lost_whatever_it_holds(rows: list[tuple[object, ...]]) -> None:
    try:
        found, refused = read_rows(xlsx(*rows))
    except BankloopError:
        pytest.fail("a line took the others with it")
    written = [row for row in rows if any(cell not in (None, "") for cell in row)]
    assert len(found) + len(refused) >= len([row for row in written if row[0] not in (None, "")])
    assert len(found) + len(refused) <= len(rows)
