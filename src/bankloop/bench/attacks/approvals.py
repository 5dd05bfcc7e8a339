"""Consents that are one's own, given twice, given to something else, or missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

from sqlalchemy import text

from bankloop.bench.attacks.target import BASE, CAMPAIGN, AttackTarget, attack, held, key, rows_of
from bankloop.kit.errors import BankloopError, ConflictError
from bankloop.loop.campaign.approving import recall_campaign, submit
from bankloop.loop.campaign.locks_in_force import approved_locks
from bankloop.loop.learning.training import draft_model
from bankloop.organization.approval import approval_of
from bankloop.organization.principals import maker, system
from bankloop.organization.rights import principal_for
from bankloop.store.contracts import Principal
from bankloop.work.approvals import decide

_FILE = f"{BASE}/campaigns/{CAMPAIGN}/file"


def _person(target: AttackTarget, role: str, purpose: str) -> Principal:
    with target.bank.store.begin(system()) as connection:
        return principal_for(connection, target.people[role], purpose)


def _asked(target: AttackTarget) -> UUID:
    """Return the campaign's request, made if none waits."""
    with target.bank.store.begin(system()) as connection:
        found = approval_of(connection, "campaign", CAMPAIGN)
    if found is not None and not found.granted and found.state.value not in ("recalled", "rejected", "void"):
        return found.approval_id
    return submit(target.bank, _person(target, "hq_strategist", "campaign"), CAMPAIGN)[1]


def _runs(target: AttackTarget) -> bool:
    try:
        return CAMPAIGN in approved_locks(target.bank, system())
    except ConflictError:  # nothing is approved
        return False


@attack("approvals")
def approve_one_s_own(target: AttackTarget) -> None:
    """Approve a campaign that one submitted."""
    request = _asked(target)
    for role in ("hq_strategist", "relationship_manager", "data_scientist"):
        answer = target.api(role).post(f"{BASE}/approvals/{request}/pass", json={"comment": "ok"}, headers=key())
        held(answer.status_code in (403, 404, 409), f"{role}: {answer.status_code}")
    held(not _runs(target), "it may run")


@attack("approvals")
def pass_two_stages_as_one_person(target: AttackTarget) -> None:
    """Give two consents of one request as the same person."""
    request, client = _asked(target), target.api("compliance_reviewer")
    codes = [
        client.post(f"{BASE}/approvals/{request}/pass", json={"comment": "ok"}, headers=key()).status_code
        for _ in range(2)
    ]
    held(codes[0] == 200 and codes[1] >= 400, codes)
    held(not _runs(target), "it may run")


@attack("approvals")
def consent_in_the_place_of_another_stage(target: AttackTarget) -> None:
    """Give the last consent before those that come first."""
    request = submit(target.bank, _person(target, "hq_strategist", "campaign"), CAMPAIGN)[1]
    answer = target.api("hq_approver").post(f"{BASE}/approvals/{request}/approve", json={"comment": "x"}, headers=key())
    held(answer.status_code >= 400, answer.status_code)
    held(not _runs(target), "it may run")


@attack("approvals")
def edit_after_a_consent(target: AttackTarget) -> None:
    """Change a campaign after somebody consented to it, and have the consent count for the new text."""
    request, editor = _asked(target), target.api("hq_strategist")
    target.api("compliance_reviewer").post(f"{BASE}/approvals/{request}/pass", json={"comment": "ok"}, headers=key())
    seen = editor.get(_FILE)
    changed = editor.put(
        _FILE, json={"text": seen.json()["text"] + "# another\n"}, headers={**key(), "if-match": seen.headers["etag"]}
    )
    held(changed.status_code == 200, changed.text)
    try:
        answer = target.api("hq_approver").post(
            f"{BASE}/approvals/{request}/pass", json={"comment": "ok"}, headers=key()
        )
        held(answer.status_code >= 400 or not _runs(target), "the consent counted for another text")
    finally:
        back = {**key(), "if-match": f'"{changed.json()["etag"]}"'}
        editor.put(_FILE, json={"text": seen.json()["text"]}, headers=back)


@attack("approvals")
def consent_to_what_was_taken_back(target: AttackTarget) -> None:
    """Consent to a request that its maker has taken back."""
    request = submit(target.bank, _person(target, "hq_strategist", "campaign"), CAMPAIGN)[1]
    recall_campaign(target.bank, _person(target, "hq_strategist", "campaign"), CAMPAIGN)
    for role in ("compliance_reviewer", "hq_approver"):
        answer = target.api(role).post(f"{BASE}/approvals/{request}/pass", json={"comment": "ok"}, headers=key())
        held(answer.status_code >= 400, f"{role}: {answer.status_code}")


@attack("approvals")
def write_an_approval_into_the_database(target: AttackTarget) -> None:
    """Write "approved" into the request's row by the program's own role."""
    request = _asked(target)
    try:
        with target.bank.store.begin(_person(target, "hq_strategist", "campaign")) as connection:
            connection.execute(text("UPDATE approval SET state = 'approved' WHERE approval_id = :id"), {"id": request})
    except BankloopError:
        return
    held(not _runs(target), "it may run")


@attack("approvals")
def have_an_effect_twice(target: AttackTarget) -> None:
    """Approve a model twice at the same moment, to have it promoted twice."""
    day = target.bank.lake.today()
    draft_model(target.bank, maker(), CAMPAIGN, day, 5)
    with target.bank.store.begin(system()) as connection:
        waiting = approval_of(connection, "model", CAMPAIGN)
    held(waiting is not None, "no request for the model")
    if waiting is None:
        return
    person, before = _person(target, "hq_approver", "approval"), rows_of(target, "model.promote", CAMPAIGN)

    def consent(_: int) -> None:
        with suppress(BankloopError):
            decide(target.bank, person, waiting.approval_id, "pass", "ok")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(consent, range(4)))
    times = rows_of(target, "model.promote", CAMPAIGN) - before
    held(times == 1, f"{times} promotions")


@attack("approvals")
def run_what_nobody_approved(target: AttackTarget) -> None:
    """Run a round of a campaign that is a draft."""
    answer = target.api("hq_strategist").post(
        f"{BASE}/runs", json={"round": 1, "start": target.bank.lake.today().isoformat()}, headers=key()
    )
    target.app.state.jobs.wait()
    held(target.scalar(text("SELECT count(*) FROM decision WHERE campaign = :c"), c=CAMPAIGN) == 0, answer.text)
