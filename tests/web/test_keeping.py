"""The home of those who keep the bank running: what doctor finds, stopped jobs, accounts that wait, the last load."""

from __future__ import annotations

import pytest

from bankloop.organization import account
from bankloop.organization.principals import steward, system
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
