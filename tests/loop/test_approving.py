"""Gates of a campaign, on the small bank: who may let it run, what stops it, what the next round is drafted from."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.benefit.grants import GrantLife, grant_of
from bankloop.contact.delivery import deliver
from bankloop.customer.consent import restrict
from bankloop.kit.errors import ConflictError, DeniedError
from bankloop.ledger.statements import check_ledger
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import (
    approve_campaign,
    approve_in_turn,
    close_campaign,
    kill_campaign,
    pause_campaign,
    recall_campaign,
    resume_campaign,
    return_campaign,
    schedule_campaign,
    submit,
)
from bankloop.loop.offering.shelf import gate
from bankloop.organization.approval import ApprovalState, Stage, approval_of, approval_view, record_edit
from bankloop.organization.principals import auditor, compliance, maker, reviewers, system
from bankloop.organization.task import NO_LIMIT, create_tasks, task_schema
from bankloop.store.audit import read_audit
from bankloop.store.contracts import Principal, Role
from bankloop.store.outbox import waiting_messages
from bankloop.store.registry import read_campaign, read_steps
from bankloop.store.verbs import VERBS
from bankloop.wiring import bind_rooms
from tests.loop.gates import STATES, Sent

NAME = "bind-card"
CONSUMER, COMPLIANCE, FIRST, SECOND = reviewers()


def day_of(bank: Bank) -> date:
    return bank.lake.today()


def state(bank: Bank, name: str = NAME) -> str | None:
    with bank.store.begin(system()) as connection:
        row = read_campaign(connection, name)
    return row.state if row else None


def test_a_product_of_risk_two_starts_only_after_a_positive_opinion(bank: Bank) -> None:
    """first-wealth sells R2: without the consumer-protection opinion nothing starts; returned, it is a draft."""
    submit(bank, maker(), "first-wealth")
    with bank.store.begin(system()) as connection:
        request = approval_of(connection, "campaign", "first-wealth")
    assert request is not None
    assert request.route[0] is Stage.CONSUMER
    assert request.demand["risk"] >= 2
    for person in (maker(), FIRST):
        with pytest.raises(DeniedError):
            approve_campaign(bank, person, "first-wealth")
    with pytest.raises(ConflictError, match="nothing_approved"):
        loop.run(bank, system(), 1, day_of(bank))
    returned = return_campaign(bank, CONSUMER, "first-wealth", "say that principal may be lost")
    assert returned.state is ApprovalState.DRAFT
    assert returned.reason == "say that principal may be lost"
    assert state(bank, "first-wealth") == "draft"
    submit(bank, maker(), "first-wealth")
    assert approve_in_turn(bank, reviewers(), "first-wealth").state is ApprovalState.APPROVED


@pytest.mark.capability("H5")
def test_a_stable_lane_change_without_the_second_approval_is_refused(bank: Bank) -> None:
    """The lane is on the campaign; the same change needs one approval when agile and two when stable."""
    path = bank.folder / "campaigns" / f"{NAME}.yaml"
    written = path.read_text(encoding="utf-8")
    try:
        path.write_text(
            written.replace("campaign: bind-card\n", "campaign: bind-card\nlane: stable\n"), encoding="utf-8"
        )
        stable = Bank(bank.folder, bank.store, bank.lake, bank.clock, STATES)
        submit(stable, maker(), NAME)
        for person in (CONSUMER, COMPLIANCE, FIRST):
            found = approve_campaign(stable, person, NAME)
        assert found.lane == "stable"
        assert found.open
        with pytest.raises(ConflictError, match="nothing_approved"):
            loop.run(stable, system(), 1, day_of(bank))
        with pytest.raises(DeniedError):
            approve_campaign(stable, FIRST, NAME)
        assert approve_campaign(stable, SECOND, NAME).state is ApprovalState.APPROVED
    finally:
        path.write_text(written, encoding="utf-8")


def test_no_gate_is_skipped_and_a_closed_round_drafts_the_next(bank: Bank) -> None:
    """Launch without step 6 approved → 409; close round 1 → round 2 is a draft filled in from it, linked to it."""
    submit(bank, maker(), NAME)
    with pytest.raises(ConflictError) as refused:
        loop.run(bank, system(), 1, day_of(bank))
    assert refused.value.http_status == 409
    approve_in_turn(bank, reviewers(), NAME)
    assert loop.run(bank, system(), 1, day_of(bank)).issued is not None
    assert state(bank) == "running"
    assert close_campaign(bank, maker(), NAME) == 2
    assert state(bank) == "draft"
    with bank.store.begin(system()) as connection:
        first, second = read_steps(connection, NAME, 1), read_steps(connection, NAME, 2)
        request = approval_of(connection, "campaign", NAME)
    assert request is not None
    assert len(second) == 8
    assert "was not read" in second["evaluate"].detail["learned"][0]["en"]
    for step, drafted in second.items():
        assert drafted.state == "draft"
        assert drafted.detail["from"]["round"] == 1
        assert drafted.detail["from"]["lock"] == request.digest
        if step in first:
            assert first[step].detail.items() <= drafted.detail.items()
    with pytest.raises(ConflictError) as refused:
        loop.run(bank, system(), 2, day_of(bank) + timedelta(days=1))
    assert refused.value.http_status == 409


def started(bank: Bank) -> None:
    submit(bank, maker(), NAME)
    approve_in_turn(bank, reviewers(), NAME)
    loop.run(bank, system(), 1, day_of(bank))


def test_compliance_stops_what_is_queued_and_what_would_run(bank: Bank) -> None:
    submit(bank, maker(), NAME)
    approve_in_turn(bank, reviewers(), NAME)
    window = loop.plan(bank, system(), 1, day_of(bank))
    loop.run(bank, system(), 1, day_of(bank), prepared=window)
    with bank.store.begin(system()) as connection:
        assert waiting_messages(connection, "delivery") > 0
    with pytest.raises(DeniedError):
        kill_campaign(bank, maker(), NAME, "no")
    kill_campaign(bank, compliance("third"), NAME, "the coupon misleads")
    sent = Sent()
    assert deliver(bank.store, system("delivery"), sent, gate).done == 0
    assert sent.contacts == 0
    with pytest.raises(ConflictError):
        loop.run(bank, system(), 2, day_of(bank) + timedelta(days=1))
    with pytest.raises(ConflictError):
        resume_campaign(bank, maker(), NAME)


def test_what_is_called_off_gives_its_benefit_back(bank: Bank) -> None:
    """Two tasks with a benefit each: a word of one customer ends the first, compliance the other with its campaign."""
    bind_rooms()
    started(bank)
    with bank.store.begin(system()) as connection:
        rows = connection.execute(
            text("SELECT d.decision_id::text AS decision_id, d.campaign, d.customer_no, d.unit_id, d.issued_action AS "
                 "action, 1 AS round, d.due_on, 1 AS value_fen, 'v1' AS script_version, 'plan' AS reason, 0 AS risk, "
                 "'' AS licence FROM benefit_grant g JOIN decision d USING (decision_id) JOIN contact c "
                 "USING (decision_id) WHERE g.granted AND d.campaign = :name ORDER BY 1 LIMIT 2"), {"name": NAME}
        ).mappings()  # fmt: skip
        tasks = [dict(row) | {"kind": "campaign"} for row in rows]
        table = pa.Table.from_pylist(tasks, task_schema())
        assert create_tasks(connection, table, {row["unit_id"]: NO_LIMIT for row in tasks}).created == 2
    first, second = (str(row["decision_id"]) for row in tasks)

    def lives() -> list[GrantLife]:
        with bank.store.begin(system()) as connection:
            assert check_ledger(connection) == ()
            return [grant_of(connection, one).life for one in (first, second)]

    assert lives() == [GrantLife.ISSUED, GrantLife.ISSUED]
    with bank.store.begin(system()) as connection:
        restrict(connection, tasks[0]["customer_no"], "letter", {"letter": "stop"})
    assert lives() == [GrantLife.RETURNED, GrantLife.ISSUED]
    kill_campaign(bank, COMPLIANCE, NAME, "the coupon misleads")
    assert lives() == [GrantLife.RETURNED, GrantLife.RETURNED]


def test_a_kill_between_plan_and_run_is_seen(bank: Bank) -> None:
    submit(bank, maker(), NAME)
    approve_in_turn(bank, reviewers(), NAME)
    window = loop.plan(bank, system(), 1, day_of(bank))
    kill_campaign(bank, COMPLIANCE, NAME, "late complaint")
    with pytest.raises(ConflictError, match="not_in_force"):
        loop.run(bank, system(), 1, day_of(bank), prepared=window)
    with bank.store.begin(system()) as connection:
        assert connection.scalar(text("SELECT count(*) FROM decision")) == 0


def test_what_is_paused_waits_and_goes_on(bank: Bank) -> None:
    started(bank)
    pause_campaign(bank, maker(), NAME, "call centre full")
    sent = Sent()
    assert deliver(bank.store, system("delivery"), sent, gate).done == 0
    resume_campaign(bank, maker(), NAME)
    assert deliver(bank.store, system("delivery"), sent, gate).done == sent.contacts > 0


def test_a_scheduled_campaign_waits_for_its_day(bank: Bank) -> None:
    submit(bank, maker(), NAME)
    approve_in_turn(bank, reviewers(), NAME)
    schedule_campaign(bank, maker(), NAME, day_of(bank) + timedelta(days=3))
    with pytest.raises(ConflictError, match="nothing_approved"):
        loop.run(bank, system(), 1, day_of(bank))


def test_the_checker_sees_what_changes_and_what_it_will_do(bank: Bank) -> None:
    started(bank)
    path = bank.folder / "campaigns" / f"{NAME}.yaml"
    written = path.read_text(encoding="utf-8")
    try:
        path.write_text(written.replace("65", "64"), encoding="utf-8")
        edited = Bank(bank.folder, bank.store, bank.lake, bank.clock, STATES)
        submit(edited, maker(), NAME)
    finally:
        path.write_text(written, encoding="utf-8")
    with bank.store.begin(CONSUMER) as connection:
        request = approval_of(connection, "campaign", NAME)
        assert request is not None
        view = approval_view(connection, request)
    assert [(c.place, "65" in (c.before or ""), "64" in (c.after or "")) for c in view.changes] == [
        ("campaign.audience", True, True)
    ]
    assert {fact.title.en for fact in view.effect} >= {"customers it may reach", "budget at most", "product risk"}
    assert view.may == ("review", "reject", "kill")
    assert view.stages[0].now


def system_as(person: Principal) -> Principal:
    """The console at work in a person's name: who edits needs the right to, which an approver lacks."""
    return dataclasses.replace(person, roles=person.roles | {"system"})


def test_who_edited_it_cannot_approve_it(bank: Bank) -> None:
    with bank.store.begin(system_as(FIRST)) as connection:
        record_edit(connection, "campaign", NAME, "draft")
    submit(bank, maker(), NAME)
    approve_campaign(bank, CONSUMER, NAME)
    approve_campaign(bank, COMPLIANCE, NAME)
    with pytest.raises(DeniedError, match="edited"):
        approve_campaign(bank, FIRST, NAME)
    approve_campaign(bank, SECOND, NAME)


def test_an_emergency_has_two_consents_and_ends_with_its_hours(bank: Bank) -> None:
    submit(bank, maker(), NAME, emergency=True, reason="fraud warning")
    assert approve_campaign(bank, COMPLIANCE, NAME).open
    with pytest.raises(DeniedError):
        approve_campaign(bank, COMPLIANCE, NAME)
    approved = approve_campaign(bank, FIRST, NAME)
    assert approved.state is ApprovalState.APPROVED
    assert approved.expires_at == bank.clock.now() + timedelta(hours=72)


def test_every_gate_leaves_its_row_under_the_approval(bank: Bank) -> None:
    submit(bank, maker(), NAME)
    recall_campaign(bank, maker(), NAME, "a typing error")
    submit(bank, maker(), NAME)
    return_campaign(bank, CONSUMER, NAME, "unclear")
    submit(bank, maker(), NAME)
    approve_in_turn(bank, reviewers(), NAME)
    schedule_campaign(bank, maker(), NAME, day_of(bank))
    loop.run(bank, system(), 1, day_of(bank))
    pause_campaign(bank, maker(), NAME, "wait")
    resume_campaign(bank, maker(), NAME)
    close_campaign(bank, maker(), NAME)
    submit(bank, maker(), NAME)
    kill_campaign(bank, COMPLIANCE, NAME, "complaints")
    verbs = {name for name, act in VERBS.items() if act.__module__ == "bankloop.loop.campaign.approving"}
    with bank.store.begin(auditor(), Role.AUDITOR) as connection:
        rows = read_audit(connection, object_id=NAME, limit=500)
    assert verbs <= {row.verb for row in rows}
    gates = [row for row in rows if row.verb.startswith("campaign.") and row.verb != "campaign.submit"]
    assert all(row.approval_id is not None for row in gates)
