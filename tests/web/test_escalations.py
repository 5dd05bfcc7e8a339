"""A task whose clock runs out reaches who leads: a badge on every page, a notice at home, a list, and a word that ends it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from bankloop.kit.worktime import WorkTime
from bankloop.organization.principals import system
from bankloop.organization.rights import ROLES
from bankloop.organization.task import NewTask, TaskKind, open_task
from bankloop.organization.task.rules import Notified, told_at
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.work.clock import keep_clocks
from bankloop.work.workplace import Workplace
from tests.web.conftest import Staffed

ALLOWED = timedelta(hours=10)
HALF, WHOLE, MORE = timedelta(hours=6), timedelta(hours=11), timedelta(hours=16)


def started(now: datetime, spent: timedelta) -> datetime:
    """The moment since which so much working time has passed."""
    clock, since = WorkTime(), now
    while clock.elapsed(since, now) < spent:
        since -= timedelta(minutes=30)
    return since


def late_task(staffed: Staffed, key: str, spent: timedelta) -> UUID:
    store, manager = staffed.small.open.store, staffed.of("relationship_manager")
    with store.begin(system()) as connection:
        own = staffed.own_customer(manager)
        unit = connection.scalar(text("SELECT unit_id FROM customer_book WHERE customer_no = :c"), {"c": own})
        since = started(store.clock.now(), spent)
        due = WorkTime().later(since, ALLOWED)
        return open_task(
            connection, NewTask(f"late/{key}", TaskKind.CARE, own, unit, "care", since, due, manager)
        ).task_id


def badge(page: str) -> int:
    found = re.search(r'class="badge">(\d+)', page)
    return int(found[1]) if found else 0


def listed(staffed: Staffed, person: str) -> set[str]:
    answer = staffed.api(person).get("/api/v1/tasks/escalated")
    assert answer.status_code == 200
    return {one["task_id"] for one in answer.json()["items"]}


@pytest.mark.capability("A18")
def test_a_late_task_reaches_the_head_by_badge_notice_and_list(staffed: Staffed) -> None:
    head, manager, commander = (
        staffed.of(one) for one in ("sub_branch_head", "relationship_manager", "branch_commander")
    )
    before = {who: badge(staffed.client(who).get("/").text) for who in (head, manager, commander)}
    half, whole, more = (late_task(staffed, str(spent), spent) for spent in (HALF, WHOLE, MORE))
    assert {who: badge(staffed.client(who).get("/").text) for who in before} == before
    place = Workplace(staffed.small.open, None, None, None)  # type: ignore[arg-type]
    keep_clocks(place, "")
    mine = {str(half), str(whole), str(more)}
    assert listed(staffed, manager) >= mine
    assert listed(staffed, head) & mine == {str(whole), str(more)}
    assert listed(staffed, commander) & mine == {str(more)}
    # What waits is on every page of theirs; at home it is a notice that leads to the list.
    client = staffed.client(head)
    home, book = client.get("/").text, client.get("/warroom").text
    count = badge(home)
    assert count >= 2
    assert badge(book) == count
    assert f'role="status"><a href="/escalations">{count} ' in home
    page = client.get("/escalations").text
    assert f'href="/workbench/{whole}"' in page
    assert "超过时限一半" in page
    assert f'href="/workbench/{half}"' not in page
    # The log of the task says who was told.
    assert "升级到支行行长" in client.get(f"/workbench/{whole}").text
    # A word of the head ends the waiting, the head's alone where the branch was not told yet.
    proof = re.search(r'name="csrf" value="([^"]+)"', page)[1]  # type: ignore[index]
    assert client.post(f"/escalations/{whole}/heed", data={"csrf": proof, "words": " "}).status_code == 400
    client.post(f"/escalations/{whole}/heed", data={"csrf": proof, "words": "今天由我陪同致电"})
    assert badge(client.get("/").text) == count - 1
    assert "今天由我陪同致电" in client.get(f"/workbench/{whole}").text
    assert listed(staffed, head) >= {str(whole), str(more)}
    # Whoever works on it ends it as well; head office watches and is told of none.
    at_work = staffed.client(manager)
    own = re.search(r'name="csrf" value="([^"]+)"', at_work.get(f"/workbench/{more}").text)[1]  # type: ignore[index]
    at_work.post(f"/workbench/{more}/call", data={"csrf": own})
    assert badge(client.get("/").text) == count - 2
    assert badge(staffed.client("strategist").get("/").text) == 0
    assert str(more) in staffed.client("strategist").get("/escalations").text
    assert (
        staffed.api(manager)
        .post(f"/api/v1/tasks/{whole}/heed", json={"reason": "x"}, headers={"idempotency-key": "heed"})
        .status_code
        == 403
    )


def test_who_is_told_of_what() -> None:
    def one(role: str, *units: str, own: bool = False) -> Principal:
        return Principal("P", frozenset({role}), units, book="P" if own else "", rights=ROLES[role].rights)

    assert told_at(one("relationship_manager", own=True)) == Notified(1, "P")
    assert told_at(one("sub_branch_head", "S1")) == Notified(2, None, ("S1",))
    assert told_at(one("branch_commander", "B1", "S1")) == Notified(3, None, ("B1", "S1"))
    assert told_at(one("hq_strategist", EVERY_UNIT)) == Notified(3)
    assert told_at(one("system_admin")) is None
