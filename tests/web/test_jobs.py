"""Jobs on their page and in the API: cancelled by who asked, tried again or cancelled by who keeps the queue."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from uuid import UUID

import pytest

from bankloop.organization.principals import steward, system
from bankloop.store.jobs import JobState, cancel_job, enqueue_job, job_of
from tests.web.conftest import Staffed

BASE = "/api/v1"


def key() -> dict[str, str]:
    return {"idempotency-key": uuid.uuid4().hex}


@pytest.fixture
def dead(staffed: Staffed) -> Iterator[UUID]:
    """A job of the steward's that this version does not know; cancelled at the end."""
    store = staffed.small.open.store
    with store.begin(steward("steward")) as connection:
        job = enqueue_job(connection, "teleport", {}).job_id
    assert settled(staffed, job) is JobState.DEAD
    yield job
    with store.begin(system()) as connection:
        if job_of(connection, job).state is not JobState.CANCELLED:
            cancel_job(connection, job)


def settled(staffed: Staffed, job: UUID) -> JobState:
    """What became of a job, be it another process's crew that took it."""
    for _ in range(600):
        staffed.app.state.jobs.wait()
        with staffed.small.open.store.begin(system()) as connection:
            found = job_of(connection, job).state
        if found not in (JobState.WAITING, JobState.RUNNING):
            break
        time.sleep(0.1)
    return found


def test_a_dead_job_is_on_the_page_with_its_reason_tried_again_and_cancelled(staffed: Staffed, dead: UUID) -> None:
    browser = staffed.client("strategist")
    browser.cookies.set("language", "en")
    page = browser.get("/rounds").text
    assert "no job of the kind &#39;teleport&#39;" in page
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    for act, then in (("retry", JobState.DEAD), ("cancel", JobState.CANCELLED)):
        answer = browser.post(f"/jobs/{dead}/{act}", data={"csrf": token[1]}, follow_redirects=False)
        assert answer.status_code == 303
        assert settled(staffed, dead) is then  # tried again it is not known again
    assert str(dead) not in browser.get("/rounds").text
    refused = browser.post(f"/jobs/{dead}/cancel", data={"csrf": token[1]}, follow_redirects=False)
    assert (refused.status_code, "is over" in refused.text) == (409, True)


def test_who_asked_cancels_and_others_do_not_see_it(staffed: Staffed, dead: UUID) -> None:
    owner, other, keeper = (staffed.api(one) for one in ("steward", "product", "strategist"))
    assert other.post(f"{BASE}/jobs/{dead}/cancel", headers=key()).status_code == 404
    assert owner.post(f"{BASE}/jobs/{dead}/retry", headers=key()).status_code == 403
    assert other.get(f"{BASE}/jobs/open").status_code == 403
    assert str(dead) in {one["job_id"] for one in keeper.get(f"{BASE}/jobs/open").json()["items"]}
    assert keeper.get(f"{BASE}/jobs/{dead}").json()["error"]["code"] == "job.unknown_kind"
    assert owner.post(f"{BASE}/jobs/{dead}/cancel", headers=key()).json()["state"] == "cancelled"
    assert owner.post(f"{BASE}/jobs/{dead}/cancel", headers=key()).json()["code"] == "job.over"
