"""The task page holds for whatever a task asks, and for many people who open tasks at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from bankloop.organization import account
from bankloop.organization.people import book_of
from bankloop.organization.principals import system
from bankloop.organization.rights import principal_for
from bankloop.organization.task import NewTask, TaskKind, open_task, open_tasks_for
from bankloop.web.pages.workbench.page import task_page, workbench
from bankloop.web.shell.console import Console
from tests.web.conftest import Staffed

_DECIDED = text(
    "SELECT d.decision_id, d.customer_no, b.unit_id FROM decision d JOIN customer_book b ON b.customer_no = d.customer_no "
    "AND b.staff_id = :m AND b.valid_to IS NULL WHERE d.cell <> 'control' ORDER BY 1 LIMIT 1"
)

_GUIDED = text(
    "SELECT t.task_id, t.customer_no, t.script_version FROM staff_task t JOIN customer_book b ON b.customer_no = t.customer_no "
    "AND b.staff_id = :m AND b.valid_to IS NULL WHERE t.action LIKE '%|rm_call' AND t.kind = 'campaign' ORDER BY t.task_id LIMIT 1"
)


def test_a_task_behind_a_campaign_s_that_is_no_action_of_it_opens(staffed: Staffed) -> None:
    """Such as what a customer asked for in a campaign's call, or an action of a campaign's earlier version."""
    store, manager = staffed.small.open.store, staffed.of("relationship_manager")
    with store.begin(system()) as connection:
        parent = connection.execute(_DECIDED, {"m": manager}).one()
        now = store.clock.now()
        made = [
            open_task(
                connection,
                NewTask(
                    f"behind/{place}", kind, parent.customer_no, parent.unit_id, "asked in the call", now, now + timedelta(hours=2),
                    manager, action, parent_id=parent.decision_id,
                ),
            )
            for place, (kind, action) in enumerate(
                ((TaskKind.REFERRAL, "company-loan"), (TaskKind.CARE, "maturity"), (TaskKind.FOLLOW_UP, "a|b|c|d"))
            )
        ]  # fmt: skip
    client = staffed.client(manager)
    for one in made:
        assert client.get(f"/workbench/{one.task_id}").status_code == 200, one.action
    assert client.get("/workbench").status_code == 200


def test_many_open_tasks_at_the_same_moment(staffed: Staffed) -> None:
    store, manager = staffed.small.open.store, staffed.of("relationship_manager")
    with store.begin(system()) as connection:
        now = store.clock.now()
        own = staffed.own_customer(manager)
        unit = connection.scalar(text("SELECT unit_id FROM customer_book WHERE customer_no = :c"), {"c": own})
        open_task(
            connection, NewTask("at-once", TaskKind.CARE, own, unit, "care", now, now + timedelta(hours=2), manager)
        )
        tasks = open_tasks_for(connection, manager, staffed.small.open.lake.today())
    assert tasks
    client = staffed.client(manager)
    with ThreadPoolExecutor(8) as people:
        found = list(people.map(lambda place: client.get(f"/workbench/{tasks[place % len(tasks)].task_id}"), range(48)))
    assert [one.status_code for one in found] == [200] * len(found)


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What this thread asks of the database meanwhile; what runs beside it is not counted."""
    asked: list[str] = []
    here, execute = threading.get_ident(), psycopg.Cursor.execute

    def counted(cursor: Any, query: Any, *values: Any, **how: Any) -> Any:
        if threading.get_ident() == here:
            asked.append(str(query))
        return execute(cursor, query, *values, **how)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", counted)
        yield asked


def test_a_day_and_a_task_ask_little_of_the_database_however_long_the_list(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, manager = staffed.small.open.store, staffed.of("relationship_manager")
    with store.begin(system()) as connection:
        unit = connection.scalar(
            text("SELECT unit_id FROM staff_post WHERE staff_id = :m AND valid_to IS NULL"), {"m": manager}
        )
        # The last of the book: others open the first one, and what somebody opened stays open for a while.
        own, now = book_of(connection, manager, limit=500)[-1].customer_no, store.clock.now()
        for place in range(3):
            asked = NewTask(f"lean/{place}", TaskKind.CARE, own, unit, "care", now, now + timedelta(hours=2), manager)
            task = open_task(connection, asked)
    with store.begin(account.SIGN_IN) as connection:
        principal = principal_for(connection, manager, "tasks")
    console = Console(staffed.small.open)
    workbench(console, principal)
    with statements(monkeypatch) as first:
        workbench(console, principal)
    # Who asks, the tasks, why each was decided, the month's count.
    assert len(first) <= 4, first
    with statements(monkeypatch) as second:
        found = task_page(console, principal, task.task_id)
    assert found.name == "***"
    # Who asks twice (an opening is written down whatever follows), the task, its reasons, events, request, what is unmasked and by which right.
    assert len(second) <= 11, second
    assert not any("lake_version" in one for one in second)  # masked name and number need no file of the lake


@pytest.mark.capability("A6")
def test_a_campaign_s_task_has_its_customer_in_brief_its_guide_and_its_clocks(staffed: Staffed) -> None:
    """Beside the task stand who it is about, what the script of its decision says, and what is left of its time."""
    store, manager = staffed.small.open.store, staffed.of("relationship_manager")
    with store.begin(system()) as connection:
        row = connection.execute(_GUIDED, {"m": manager}).first()
    assert row is not None, "the round gave the manager a call"
    client = staffed.client(manager)
    page = client.get(f"/workbench/{row.task_id}").text
    assert "客户概况" in page
    assert f'href="/customers/{row.customer_no}"' in page
    assert client.get(f"/customers/{row.customer_no}").status_code == 200
    guide = staffed.small.open.spec.scripts[row.script_version.partition("@")[0]].versions[-1].guide
    assert guide is not None
    shown = (
        *(one.zh for one in guide.questions),
        *(one.says.zh for one in guide.objections),
        *(one.zh for one in guide.disclosures),
    )
    assert all(words in page for words in shown)
    assert "{name}" not in page
    assert all(words in page for words in ("首次响应", "办结", "还剩（工作时间）"))
