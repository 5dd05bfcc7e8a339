"""Lists: what is usable becomes tasks, every other line comes back with its reason, what nobody began is recalled."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import cache

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.care.worklist import REASONS, TakenIn, read_rows, recall_list, returned_of, take_list, work_lists
from bankloop.contact.contracts import Cap
from bankloop.contact.gate import reserve_contacts
from bankloop.contact.queries import broken_caps
from bankloop.customer.consent.ledger import append_consents
from bankloop.customer.identity import link_identities
from bankloop.kit.errors import BankloopError, DataError, DeniedError, InputError, NotFoundError
from bankloop.kit.ids import uuid7
from bankloop.organization.principals import auditor, system
from bankloop.organization.task import TaskState, accept_task, log_outcome, tasks_for, tasks_of_customer
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store
from tests.contact.decisions import decisions_by_class
from tests.customer.conftest import PROGRAM, Load, person
from tests.organization.conftest import Folk, folk
from tests.organization.task.test_tasks import TODAY, plan

__all__ = ["folk"]
HEAD = ("客户号", "事项", "价值（元）", "说明", "多余的列")
DUE = date(2026, 7, 3)


@cache
def xlsx(*rows: tuple[object, ...], head: tuple[str, ...] = HEAD) -> bytes:
    """Return a workbook of rows, the same rows always as the same file: a workbook says in which second it was written."""
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
        mine = tasks_for(connection, "M00001", DUE, DUE)
        assert len(mine) == 4_951
        accept_task(connection, mine[0].task_id)
        log_outcome(connection, mine[1].task_id, "declined")
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
    with store.begin(system()) as connection:
        (task,) = tasks_of_customer(connection, "C0000")
        assert (task.value_fen, task.staff_id, task.reason) == (1_234, "M00001", "回访 · 回访")
        assert decisions_by_class(connection) == {(f"list:{done.work_list.list_id}", 0, "marketing"): 1}


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
    with store.begin(auditor(), Role.AUDITOR) as connection:
        verbs = set(connection.scalars(text("SELECT verb FROM audit WHERE verb LIKE 'worklist.%'")))
    assert verbs == {"worklist.take"}


def test_a_file_that_lies_about_its_type_is_huge_or_a_bomb() -> None:
    for body, words in ((b"MZ\x90 not at all", "cut short"), (b"", "cut short"), (packed({"a.txt": b"x"}), "zip")):
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


def test_a_value_that_is_no_amount_returns_its_line() -> None:
    values = ["1.234,56", "1,23", "-500", "1e3", "=1+1", "1,234.5", 7.5, None]
    found, refused = read_rows(xlsx(*((f"C{n}", "x", value, "") for n, value in enumerate(values))))
    assert [(row.customer_no, row.value_fen) for row in found] == [("C5", 123_450), ("C6", 750), ("C7", 0)]
    assert [(one.line, one.code) for one in refused] == [
        (2, "value"),
        (3, "value"),
        (4, "value"),
        (5, "value"),
        (6, "cell"),
    ]
    long, _ = read_rows(xlsx((6222021234567890123, "x", 1, "")))
    assert long == []
    with pytest.raises(DataError, match=r"column 1 .* and column 6"):
        read_rows(xlsx(("C1", "x", 1, "", "C2"), head=(*HEAD, "客户编号")))


def test_a_list_that_understates_itself_is_taken_whole() -> None:
    body = xlsx(*((f"C{n}", "x", 1, "") for n in range(5)))
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(body)) as old:
        parts = {one: old.read(one) for one in old.namelist()}
    parts[name] = parts[name].replace(b'<dimension ref="A1:E6"', b'<dimension ref="A1:D3"')
    assert b"A1:D3" in parts[name]
    found, refused = read_rows(packed(parts))
    assert ([row.customer_no for row in found], refused) == ([f"C{n}" for n in range(5)], [])


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


def taken(store: Store, who: Principal, *numbers: str, name: str = "名单", due: date = DUE) -> TakenIn:
    with store.begin(who) as connection:
        return take_list(connection, name, xlsx(*((number, "回访", 1, "") for number in numbers)), due, TODAY)


def codes(done: TakenIn) -> dict[str, str]:
    return {one.customer_no: one.code for one in done.refused}


def test_a_list_asks_for_consent_to_a_call(folk: Folk, store: Store) -> None:
    n = 3
    said = pa.table(
        {
            "customer_no": ["C0000", "C0001", "C0002"], "purpose": ["marketing"] * n, "channel": ["sms", "rm_call", "*"],
            "stands": [True] * n, "said_at": [datetime(2026, 1, 1, tzinfo=UTC)] * n, "origin": ["counter"] * n,
        }
    )  # fmt: skip
    with store.begin(PROGRAM) as connection:
        append_consents(connection, said)
        no_call = said.slice(2).set_column(1, "purpose", pa.array(["no_marketing"]))
        append_consents(connection, no_call.set_column(2, "channel", pa.array(["rm_call"])))
    done = taken(store, folk.who("hq_strategist", "campaign"), "C0000", "C0001", "C0002")
    assert codes(done) == {"C0000": "stopped", "C0002": "stopped"}


def test_a_merged_person_gets_one_task(folk: Folk, store: Store, load: Load) -> None:
    for key, source in (("A", "core"), ("B", "card"), ("C", "loan")):
        load(person(key, document_type="id_card", document_no="110101199005040019"), source=source)
    with store.begin(PROGRAM) as connection:
        assert link_identities(connection).merges == 2
        first, second, third = connection.scalars(
            text("SELECT party_no AS n FROM party_member UNION SELECT customer_no FROM party_member ORDER BY 1")
        )
    folk.books |= dict.fromkeys((first, second, third), ("S0001", "M00001", "retail"))
    folk.load()
    agree(store, first)
    strategist = folk.who("hq_strategist", "campaign")
    done = taken(store, strategist, second, first)
    assert (done.work_list.usable, codes(done)) == (1, {first: "double"})
    assert codes(taken(store, strategist, third, name="another")) == {third: "running"}


def test_what_two_lists_or_a_word_do_at_one_moment_is_judged_in_turn(folk: Folk, store: Store) -> None:
    agree(store, "C0000", "C0001")
    strategist = folk.who("hq_strategist", "campaign")
    with ThreadPoolExecutor(1) as pool:
        with store.begin(strategist) as connection:
            take_list(connection, "one", xlsx(("C0000", "", "", "")), DUE, TODAY)
            second = pool.submit(taken, store, strategist, "C0000", "C0001", name="two")
            waits(store, second)
        assert codes(second.result(30)) == {"C0000": "running"}
        withdrawn = pa.table(
            {
                "customer_no": ["C0002"], "purpose": ["marketing"], "stands": [False], "origin": ["counter"],
                "said_at": [datetime(2026, 1, 2, tzinfo=UTC)],
            }
        )  # fmt: skip
        agree(store, "C0002")
        with store.begin(PROGRAM) as connection:
            append_consents(connection, withdrawn)
            third = pool.submit(taken, store, strategist, "C0002", name="three")
            waits(store, third)
        assert codes(third.result(30)) == {"C0002": "stopped"}


def waits(store: Store, other: Future[TakenIn]) -> None:
    """Return when somebody waits for a lock, or is through without."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with store.begin(system()) as connection:
        while not other.done() and not connection.scalar(query):
            connection.execute(text("SELECT pg_stat_clear_snapshot()"))


def test_a_list_s_call_counts_at_the_gate_until_it_is_recalled(folk: Folk, store: Store) -> None:
    agree(store, "C0000")
    strategist = folk.who("hq_strategist", "campaign")
    done = taken(store, strategist, "C0000")
    asked = pa.table(
        {
            "decision_id": [str(uuid7(1))], "customer_no": ["C0000"], "unit_id": ["B001"], "channel": ["sms"],
            "campaign": ["keep"], "contact_class": ["marketing"], "due_at": pa.array([datetime(2026, 7, 2, 2, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        }
    )  # fmt: skip
    weekly = Cap("*", 1, 7)
    with store.begin(system()) as connection:
        contact = connection.execute(text("SELECT channel, due_day, accepted, unit_id FROM contact")).one()
        assert tuple(contact) == ("rm_call", DUE, True, "S0001")
        assert reserve_contacts(connection, asked, [weekly])["refused_by"].to_pylist() == [weekly.name]
        assert broken_caps(connection, [weekly]) == 0
    assert codes(taken(store, strategist, "C0000", name="again")) == {"C0000": "running"}
    with store.begin(strategist) as connection:
        recall_list(connection, done.work_list.list_id, "wrong month")
    assert codes(taken(store, strategist, "C0000", name="once more")) == {}


def test_a_list_belongs_to_the_branch_that_took_it_in(folk: Folk, store: Store) -> None:
    agree(store, "C0000", "C0030")
    # Of this branch's units another comes first by its id.
    folk.units["A0001"] = ("B001", "sub_branch")
    folk.load()
    folk.give("M00004", "branch_commander", ("B002",))
    folk.give("M00003", "sub_branch_head", ("S0002",))
    one = folk.who("branch_commander", "tasks")
    other = folk.who("M00004", "tasks", role="branch_commander")
    body = xlsx(("C0000", "", "", ""), ("C0030", "", "", ""))
    made = []
    for who in (one, other, folk.who("hq_strategist", "campaign")):
        with store.begin(who) as connection:
            made.append(take_list(connection, "同一份", body, DUE, TODAY))
    assert [done.known for done in made] == [False] * 3
    assert [done.work_list.usable for done in made] == [1, 1, 0]
    with store.begin(one) as connection:
        assert [found.list_id for found in work_lists(connection)] == [made[0].work_list.list_id]
        with pytest.raises(NotFoundError):
            returned_of(connection, made[1].work_list.list_id)
    with store.begin(system()) as connection:
        units = set(connection.scalars(text("SELECT unit_id FROM work_list")))
    assert units == {"B001", "B002", "*"}


def test_a_list_without_name_day_or_usable_line_has_a_clear_answer(folk: Folk, store: Store) -> None:
    strategist = folk.who("hq_strategist", "campaign")
    with pytest.raises(InputError, match="no_name"):
        taken(store, strategist, "C0000", name=" \t")
    with pytest.raises(InputError, match="past_due"):
        taken(store, strategist, "C0000", due=date(2026, 6, 29))
    numbers = [f"N{place:04d}" for place in range(250)]
    done, again = (taken(store, strategist, *numbers, due=TODAY) for _ in range(2))
    assert (done.work_list.usable, done.dispatched, len(done.refused)) == (0, None, 250)
    assert again.known
    assert again.refused == done.refused
