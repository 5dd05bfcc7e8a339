"""Referrals between lines and support of the desks behind the front: one task each, both inboxes, the outcome returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.worktime import WorkTime
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from bankloop.organization import collaboration
from bankloop.organization.people import engage_staff, record_leave
from bankloop.organization.principals import auditor, system
from bankloop.organization.rights import approve_agreement, open_customer, propose_agreement, record_consent
from bankloop.organization.task import TaskKind, TaskState, escalate_tasks, open_tasks_for
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.verbs import VERBS
from tests.organization.conftest import PEOPLE_SYSTEM, Folk
from tests.organization.rights.test_opening import PLAIN

NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)  # Tuesday, ten in the morning
TODAY = date(2026, 6, 30)
Later = Callable[[datetime], Store]


@pytest.fixture
def at(store: Store, store_server: EmbeddedServer, database: str) -> Iterator[Later]:
    """The same store at another moment."""
    with ExitStack() as stack:
        yield lambda moment: stack.enter_context(attach_store(store.folder, FixedClock(moment), store_server, database))


@pytest.fixture
def lines(folk: Folk) -> Folk:
    """Managers of retail in two sub-branches, and one of corporate at the first."""
    with folk.store.begin(PEOPLE_SYSTEM) as connection:
        engage_staff(connection, "K1", "Qian", "S0001", "corporate_manager", "corporate")
        engage_staff(connection, "K2", "Sun", "S0003", "corporate_manager", "corporate")
        # Nobody keeps the companies yet, who of the demo's people ever does.
        connection.execute(text("UPDATE customer_book SET staff_id = NULL WHERE staff_id = 'corporate'"))
    folk.give("M00002", "relationship_manager", lines=("retail",))
    folk.give("M00003", "relationship_manager", lines=("retail",))
    for person in ("K1", "K2"):
        folk.give(person, "relationship_manager", lines=("corporate",))
    return folk


def refer(store: Store, who: Principal, **more: object) -> collaboration.Collaboration:
    asked = {"customer_no": "K0001", "agreed": True, **more}
    with store.begin(who) as connection:
        return collaboration.refer(connection, "corporate_loan", "C0010", "wants 3 m for machines", **asked)  # type: ignore[arg-type]


def ask(store: Store, who: Principal, topic: str = "pricing") -> collaboration.Collaboration:
    with store.begin(who) as connection:
        return collaboration.ask_support(connection, topic, "2.1 % for one year, 500k?", about_no="C0010")


@pytest.mark.capability("A22")
def test_an_owner_s_company_loan_is_a_corporate_task_and_its_outcome_returns(lines: Folk, store: Store) -> None:
    retail, corporate = lines.who("M00002", "service"), lines.who("K1", "service")
    made = refer(store, retail)
    assert (made.task.kind, made.task.staff_id, made.task.customer_no) == (TaskKind.REFERRAL, "K1", "K0001")
    assert made.task.due_at == WorkTime().later(NOW, timedelta(hours=21))
    with store.begin(corporate) as connection:
        box = collaboration.inbox(connection)
        assert [one.request_id for one in box.received] == [made.request_id]
        assert [task.task_id for task in open_tasks_for(connection, "K1", date(2026, 7, 3))] == [made.task.task_id]
        collaboration.take(connection, made.request_id)
        collaboration.answer(connection, made.request_id, "considering", "papers by Friday")
    with store.begin(retail) as connection:
        (mine,) = collaboration.inbox(connection).asked
        assert (mine.task.state, mine.task.outcome, mine.task.responded_at) == (
            TaskState.IN_PROGRESS,
            "considering",
            NOW,
        )
    with store.begin(corporate) as connection:
        collaboration.answer(connection, made.request_id, "sold", "3 m lent")
    with store.begin(retail) as connection:
        found = collaboration.conversation(connection, made.request_id)
    assert (found.request.task.state, found.request.task.outcome) == (TaskState.DONE, "sold")
    assert [(e.act, e.person, e.note) for e in found.events] == [
        ("accepted", "K1", ""), ("answered", "K1", "papers by Friday"), ("answered", "K1", "3 m lent"),
    ]  # fmt: skip
    assert (found.may_answer, found.may_withdraw) == (False, False)


def test_nobody_beyond_the_two_sides_and_their_leaders_sees_a_referral(lines: Folk, store: Store) -> None:
    made = refer(store, lines.who("M00002", "service"))
    for stranger in ("M00003", "K2", "product_manager", "remote_agent"):
        who = lines.who(stranger)
        with store.begin(who) as connection:
            box = collaboration.inbox(connection)
            assert (box.received, box.asked, box.watched) == ((), (), ()), stranger
            assert connection.scalar(text("SELECT count(*) FROM collaboration")) == 0
        with pytest.raises(NotFoundError), store.begin(who) as connection:
            collaboration.conversation(connection, made.request_id)
    for leader in ("sub_branch_head", "branch_commander"):
        with store.begin(lines.who(leader, "tasks")) as connection:
            box = collaboration.inbox(connection)
            assert made.request_id in {one.request_id for one in (*box.received, *box.watched)}
    with pytest.raises(DeniedError, match="not_allowed"), store.begin(lines.who("partner_agent")) as connection:
        collaboration.refer(connection, "corporate_loan", "C0010", "x", company="x", agreed=True)


def test_what_is_wrong_with_a_referral_is_said(lines: Folk, store: Store) -> None:
    retail = lines.who("M00002", "service")
    for more, code in (
        ({"agreed": False}, "not_agreed"), ({"customer_no": "", "company": " "}, "no_company"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=code):
            refer(store, retail, **more)
    for topic, about, need, error in (
        ("pricing", "C0010", "x", InputError), ("corporate_loan", "C0010", " ", InputError),
        ("corporate_loan", "C0000", "x", NotFoundError), ("corporate_loan", "NOBODY", "x", NotFoundError),
        ("owner_wealth", "C0010", "x", InputError),
    ):  # fmt: skip
        with pytest.raises(error), store.begin(retail) as connection:
            collaboration.refer(connection, topic, about, need, company="Qian's", agreed=True)
    # Which numbers another line has is nobody's to find out: one that there is not is a name.
    made = refer(store, retail, customer_no="K9999")
    assert (made.customer_no, made.company, made.task.staff_id) == ("", "K9999", "K1")


def test_the_same_matter_of_a_day_is_one_request_however_often_and_at_once(lines: Folk, store: Store) -> None:
    retail = lines.who("M00002", "service")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: refer(store, retail).request_id, range(8)))
    assert len(set(made)) == 1
    with store.begin(system()) as connection:
        assert connection.scalar(text("SELECT count(*) FROM staff_task WHERE kind = 'referral'")) == 1


def test_without_anybody_of_the_line_it_waits_with_the_unit_for_who_takes_it_first(lines: Folk, store: Store) -> None:
    with store.begin(PEOPLE_SYSTEM) as connection:
        for person in ("K1", "corporate"):
            record_leave(connection, person, TODAY, TODAY, "ill")
    made = refer(store, lines.who("M00002", "service"))
    assert (made.task.staff_id, made.task.state, made.to_unit) == (None, TaskState.ALLOTTED, "S0001")
    with store.begin(lines.who("K1", "service")) as connection:
        assert collaboration.take(connection, made.request_id).task.staff_id == "K1"


def test_the_owner_s_data_follow_agreement_and_consent(lines: Folk, store: Store, tmp_path: Path) -> None:
    refer(store, lines.who("M00002", "service"))
    corporate = lines.who("K1", "service")
    lake = Lake(tmp_path, MemoryManifest(), store.clock)
    row = {
        **{c.name: False for c in CONTRACTS["customer"].columns},
        **PLAIN,
        "customer_no": "C0010",
        "sub_branch_id": "S0001",
        "manager_id": "M00002",
    }
    lake.publish("customer", pa.Table.from_pylist([row]), TODAY)
    lake.publish("relation", pa.Table.from_pylist([], CONTRACTS_RELATION), TODAY)
    with pytest.raises(NotFoundError):  # a referral alone opens nothing
        open_customer(store, lake, corporate, "C0010", ["region"])
    with store.begin(lines.who("hq_strategist", "campaign")) as connection:
        propose_agreement(
            connection, "A-1", "retail", "corporate", "service", ["region"], NOW + timedelta(days=9), "owners"
        )
    with store.begin(lines.who("hq_approver", "approval")) as connection:
        approve_agreement(connection, "A-1")
    with pytest.raises(DeniedError, match="consent"):
        open_customer(store, lake, corporate, "C0010", ["region"])
    with store.begin(lines.who("data_steward", "quality")) as connection:
        record_consent(connection, "A-1", "C0010")
    shown = open_customer(store, lake, corporate, "C0010", ["region", "birth_date"]).values
    assert shown == {"region": PLAIN["region"], "birth_date": "***"}


CONTRACTS_RELATION = pa.schema([(n, pa.string()) for n in ("from_no", "to_no", "kind")] + [("since", pa.date32())])


@pytest.mark.capability("H2")
def test_support_that_is_late_is_escalated_along_the_desk_and_an_answer_ends_it(
    lines: Folk, store: Store, at: Later
) -> None:
    front = lines.who("M00002", "service")
    made = ask(store, front)
    assert made.task.due_at == WorkTime().later(NOW, timedelta(hours=3.5))
    raised = {}
    for hours in (1, 4, 6, 9):  # half of its working time is over at 13:15, all at 15:00, half as much again at 16:45
        with at(NOW + timedelta(hours=hours)).begin(system()) as connection:
            raised[hours] = escalate_tasks(connection)
    assert raised == {1: {}, 4: {1: 1}, 6: {2: 1}, 9: {3: 1}}
    desk = lines.who("product_manager")
    with at(NOW + timedelta(hours=9)).begin(desk) as connection:
        (one,) = collaboration.inbox(connection).received
        assert one.task.escalated == 3
        said = collaboration.conversation(connection, made.request_id).events
        assert [e.note for e in said] == ["提醒承办人", "升级到承办部门负责人", "升级到主管行领导"]
        collaboration.answer(connection, made.request_id, "done", "2.05 % is the most")
    with at(NOW + timedelta(hours=30)).begin(system()) as connection:
        assert escalate_tasks(connection) == {}
    with store.begin(front) as connection:
        (mine,) = collaboration.inbox(connection).asked
        assert (mine.task.state, mine.task.outcome) == (TaskState.DONE, "done")
    with pytest.raises(ConflictError, match="over"), store.begin(desk) as connection:
        collaboration.answer(connection, made.request_id, "done", "again")


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        # Friday 26 September 2025, 16:30; Sunday the 28th is worked for 国庆, which begins on the 1st.
        (datetime(2025, 9, 26, 8, 30, tzinfo=UTC), datetime(2025, 9, 28, 3, 30, tzinfo=UTC)),
        # 春节 2026: worked until Saturday 14 February, closed from the 15th to the 23rd.
        (datetime(2026, 2, 14, 8, 30, tzinfo=UTC), datetime(2026, 2, 24, 3, 30, tzinfo=UTC)),
    ],
)
def test_a_clock_runs_on_a_moved_workday_and_stands_still_over_a_festival(
    lines: Folk, at: Later, asked: datetime, due: datetime
) -> None:
    with at(asked).begin(PEOPLE_SYSTEM) as connection:
        for table in ("org_unit", "staff_post", "customer_book", "role_grant"):
            connection.execute(text(f"UPDATE {table} SET valid_from = '2025-01-01'"))
    made = ask(at(asked), lines.who("M00002", "service"))
    assert made.task.due_at == due


def test_the_middle_passes_to_the_back_and_asks_what_is_missing(lines: Folk, store: Store) -> None:
    front, middle, back = (
        lines.who("M00002", "service"),
        lines.who("branch_commander", "tasks"),
        lines.who("data_steward"),
    )
    made = ask(store, front, "visit")
    assert (made.to_unit, made.desk) == ("B001", "branch_commander")
    with store.begin(middle) as connection:
        collaboration.answer(connection, made.request_id, "considering", "which company?")
    with store.begin(front) as connection:
        collaboration.add_words(connection, made.request_id, "Qian's workshop")
    with store.begin(middle) as connection:
        passed = collaboration.pass_on(connection, made.request_id, "data", "its address is wrong")
    assert (passed.desk, passed.to_unit, passed.task.staff_id, passed.task.due_at) == (
        "data_steward",
        "0000",
        None,
        made.task.due_at,
    )
    with pytest.raises((DeniedError, NotFoundError)), store.begin(middle) as connection:
        collaboration.answer(connection, made.request_id, "done", "x")
    with store.begin(back) as connection:
        collaboration.take(connection, made.request_id)
        collaboration.answer(connection, made.request_id, "done", "put right")
        acts = [e.act for e in collaboration.conversation(connection, made.request_id).events]
    assert acts == ["answered", "added", "passed", "accepted", "answered"]


def test_only_who_asked_adds_and_withdraws_and_only_who_is_asked_answers(lines: Folk, store: Store) -> None:
    front, desk = lines.who("M00002", "service"), lines.who("product_manager")
    made = ask(store, front)
    with pytest.raises(DeniedError, match="not_yours"), store.begin(front) as connection:
        collaboration.answer(connection, made.request_id, "done", "myself")
    for act in (collaboration.add_words, collaboration.withdraw):
        with pytest.raises(DeniedError), store.begin(desk) as connection:
            act(connection, made.request_id, "x")
    for act in (collaboration.add_words, collaboration.withdraw):
        with pytest.raises(InputError, match="no_words"), store.begin(front) as connection:
            act(connection, made.request_id, " ")
    with store.begin(front) as connection:
        collaboration.withdraw(connection, made.request_id, "solved")
    with pytest.raises(ConflictError, match="over"), store.begin(desk) as connection:
        collaboration.take(connection, made.request_id)


def test_every_verb_of_collaboration_leaves_its_row(lines: Folk, store: Store) -> None:
    front, middle = lines.who("M00002", "service"), lines.who("branch_commander", "tasks")
    refer(store, front)
    one = ask(store, front, "visit")
    with store.begin(front) as connection:
        collaboration.add_words(connection, one.request_id, "more")
    with store.begin(middle) as connection:
        collaboration.take(connection, one.request_id)
        collaboration.answer(connection, one.request_id, "considering", "x")
        collaboration.pass_on(connection, one.request_id, "pricing", "x")
    with store.begin(front) as connection:
        collaboration.withdraw(connection, one.request_id, "x")
    with store.begin(auditor(), Role.AUDITOR) as connection:
        left = set(connection.scalars(text("SELECT DISTINCT verb FROM audit WHERE verb LIKE 'collaboration.%'")))
    mine = {name for name, act in VERBS.items() if act.__module__.startswith("bankloop.organization.collaboration")}
    assert mine == left
