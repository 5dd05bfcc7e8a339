"""The home of those who keep the bank running, and of who works by tasks alone: what each signs in for stands there."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from html import unescape

import pytest

from bankloop.organization import account
from bankloop.organization.principals import steward, system
from bankloop.organization.task import NewTask, TaskKind, open_task
from bankloop.store.doctor import examine, glance
from bankloop.store.jobs import cancel_job, enqueue_job
from tests.web.conftest import Staffed


def home(staffed: Staffed, person: str) -> str:
    browser = staffed.client(person)
    browser.cookies.set("language", "en")
    answer = browser.get("/")
    assert answer.status_code == 200
    return answer.text


def test_the_system_administrator_s_home_says_what_doctor_would(staffed: Staffed) -> None:
    store = staffed.small.open.store
    with store.begin(steward("steward")) as connection:
        job = enqueue_job(connection, "teleport", {}).job_id
    staffed.app.state.jobs.wait()
    with store.begin(account.SIGN_IN) as connection:
        account.open_account(connection, "a-newcomer")
    page = home(staffed, "sysadmin")
    # Another test may have backed this bank up meanwhile.
    backups = next(one for one in glance(store) if one.check == "backups")
    assert backups.reason.en in page
    assert (backups.cure.en in page) == (not backups.ok)
    assert "put aside" in page
    assert "a-newcomer" in page
    assert "has not signed in yet" in page
    assert "Last day loaded" in page
    assert page.count("<dt>") >= 4
    with store.begin(system()) as connection:
        cancel_job(connection, job)


def test_what_is_glanced_at_is_part_of_what_is_examined(staffed: Staffed) -> None:
    store = staffed.small.open.store
    quick = {one.check for one in glance(store)}
    assert {"clocks", "disk", "seals", "backups", "jobs"} <= quick
    assert quick < {one.check for one in examine(store)}


@pytest.mark.parametrize(
    ("person", "shown", "hidden"),
    [
        ("steward", "Last day loaded", "Health"),
        ("secadmin", "Roles granted", "Last day loaded"),
    ],
)
def test_everybody_sees_what_they_keep_and_no_more(staffed: Staffed, person: str, shown: str, hidden: str) -> None:
    page = home(staffed, person)
    assert shown in page
    assert hidden not in page


def test_who_works_by_tasks_alone_sees_them_what_to_say_and_what_to_offer(staffed: Staffed) -> None:
    bank, seat = staffed.small.open, staffed.of("remote_agent")
    page = unescape(home(staffed, seat))
    assert "No approval is waiting" not in page, "nobody here approves anything"
    calls = [
        version.bodies["rm_call"].en
        for one in bank.spec.scripts.values()
        for version in one.versions
        if "rm_call" in version.bodies
    ]
    assert calls
    assert all(text in page for text in calls)
    assert all(one.title.en in page for one in bank.spec.products.values())
    assert "late or to come" not in page
    noon = datetime.combine(bank.lake.today(), time(4), UTC)
    with bank.store.begin(system()) as connection:
        for name, days in (("yesterday", -1), ("tomorrow", 1)):
            asked = NewTask(
                f"home/{name}", TaskKind.CARE, "C00000001", "0000", "in touch", noon + timedelta(days=days - 1),
                noon + timedelta(days=days), seat,
            )  # fmt: skip
            open_task(connection, asked)
    page = unescape(home(staffed, seat))
    ahead = page.split("late or to come", 1)[1].split("</table>", 1)[0]
    assert [(noon + timedelta(days=days)).date().isoformat() in ahead for days in (-1, 0, 1)] == [True, False, True]
