"""From a campaign's file to what may run: resolved into its lock, asked for, consented to, scheduled, paused, stopped.

Every move is the organization's; here is what it means for a campaign: its lock, its predicted effect, its row, and the
next round that is drafted when one is closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import isfinite
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from bankloop.kit.errors import ConflictError
from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text
from bankloop.loop import audience, benefit, model, reach, script
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.lessons import lessons_of
from bankloop.loop.campaign.limits import limits_of
from bankloop.loop.campaign.locks_in_force import resolved_lock
from bankloop.loop.campaign.parts import check_parts, parts_of
from bankloop.loop.model import Uplift
from bankloop.loop.spec import Lock
from bankloop.organization.approval import (
    Approval,
    ApprovalState,
    Attachment,
    Demand,
    Effects,
    Lane,
    Stage,
    approval_of,
    close_request,
    consent,
    have_effect,
    kill,
    next_stage,
    pause_request,
    recall,
    reject,
    resume_request,
    review,
    schedule_request,
    start_request,
    submit_approval,
)
from bankloop.organization.task import call_off_campaign
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT, CampaignRow, Principal, StepState
from bankloop.store.registry import (
    champion,
    list_campaigns,
    read_campaign,
    read_results,
    read_steps,
    save_campaign,
    save_lock,
    set_step,
)
from bankloop.store.verbs import verb

STEPS = ("model", "audience", "product", "benefit", "script", "reach", "evaluate", "optimize")
# A campaign's row says the gate it stands at; between submitting and the last consent that is one gate.
_ROW = {state: state.value for state in ApprovalState} | dict.fromkeys(
    (ApprovalState.CONSUMER_OK, ApprovalState.COMPLIANCE_OK, ApprovalState.FIRST_OK), "submitted"
)


@verb("campaign.submit")
def submit(bank: Bank, maker: Principal, name: str, *, emergency: bool = False, reason: str = "") -> tuple[Lock, UUID]:
    """Resolve a campaign into its lock, check benefits and wording, and ask for approval of exactly that."""
    campaign = bank.campaign(name)
    products = [bank.spec.products[key] for key in campaign.products]
    benefits = [bank.spec.benefits[k] for k in campaign.benefits if k in bank.spec.benefits]
    scripts = [bank.spec.scripts[key] for key in campaign.scripts]
    benefit.check_benefits(campaign, products, benefits)
    script.check_scripts(scripts)
    with bank.store.begin(maker) as connection:
        check_parts(connection, bank.spec.policies, parts_of(campaign, bank.spec.products, benefits, scripts))
    lock, learned = resolved_lock(bank, maker, name)
    table = _people_now(bank, maker)
    found = audience.select(lock, table, lock.types, bank.lake.today() - timedelta(days=1))
    demand = demand_of(lock, found.usable, maker, emergency=emergency)
    with bank.store.begin(maker) as connection:
        before = read_campaign(connection, name)
        save_lock(connection, lock.digest, name, lock.content)
        effect = _effect(bank, lock, learned, found, table)
        request = submit_approval(
            connection, "campaign", name, lock.digest, demand=demand, effect=effect, reason=reason
        )
        round_ = before.round if before else 0
        save_campaign(connection, CampaignRow(name, "submitted", lock.digest, round_, maker.id))
        known = {"lock": before.lock_digest} if before else None
        record_audit(connection, "campaign.submit", "campaign", name, known, {"lock": lock.digest}, reason)
        _follow(connection, name)
    return lock, request


@verb("campaign.approve")
def approve_campaign(
    bank: Bank, person: Principal, name: str, comment: str = "", attachments: Sequence[Attachment] = ()
) -> Approval:
    """Give the consent that a submitted campaign waits for; after the last one its lock is frozen and may run."""
    with bank.store.begin(person) as connection:
        request = _request(connection, name)
        found = consent(connection, request.approval_id, comment, attachments)
        after = {"state": found.state, "passed": found.passed, "of": len(found.route)}
        record_audit(connection, "campaign.approve", "campaign", name, {"state": request.state}, after, comment)
    return found


def approve_in_turn(bank: Bank, people: Sequence[Principal], name: str) -> Approval:
    """Let each person in turn give one consent, until the campaign is approved; who is not needed is not asked."""
    found = None
    for person in people:
        with bank.store.begin(person) as connection:
            found = _request(connection, name)
        if not found.granted:
            found = approve_campaign(bank, person, name)
    if found is None or not found.granted:
        raise _not_submitted(name)
    return found


@verb("campaign.return")
def return_campaign(
    bank: Bank, person: Principal, name: str, comment: str, attachments: Sequence[Attachment] = ()
) -> Approval:
    """Send a submitted campaign back to its maker with comments: it is a draft again."""
    with bank.store.begin(person) as connection:
        request = _request(connection, name)
        if next_stage(request) is Stage.CONSUMER:
            found = review(connection, request.approval_id, positive=False, opinion=comment, attachments=attachments)
        else:
            found = reject(connection, request.approval_id, comment)
        return _moved(connection, name, found, "campaign.return", comment)


@verb("campaign.recall")
def recall_campaign(bank: Bank, maker: Principal, name: str, reason: str = "") -> Approval:
    """Take a submitted campaign back as its maker."""
    with bank.store.begin(maker) as connection:
        found = recall(connection, _request(connection, name).approval_id, reason)
        return _moved(connection, name, found, "campaign.recall", reason)


@verb("campaign.schedule")
def schedule_campaign(bank: Bank, person: Principal, name: str, starts_on: date) -> Approval:
    """Set the day from which an approved campaign runs."""
    with bank.store.begin(person) as connection:
        found = schedule_request(connection, _request(connection, name).approval_id, starts_on, "campaign.schedule")
        return _moved(connection, name, found, "")


@verb("campaign.start")
def start_campaign(connection: Connection, name: str, lock_digest: str, round_: int, zone: str) -> Approval:
    """Say that an approved campaign runs a round, in the transaction that makes it run; a kill waits for it or stops it.

    A lock may run several rounds: the campaign is in the newest. Raises ``ConflictError`` unless exactly this lock is
    approved and in force now.
    """
    request = _request(connection, name)
    if request.digest != lock_digest:
        raise _not_approved(name, request.state)
    found = start_request(connection, request.approval_id, "campaign.start", zone)
    row = _known(connection, name)
    if row.state != "running":
        _moved(connection, name, found, "")
    if row.round < round_:
        save_campaign(connection, replace(_known(connection, name), round=round_))
    return found


@verb("campaign.pause")
def pause_campaign(bank: Bank, person: Principal, name: str, reason: str) -> Approval:
    """Stop a campaign for a while; what is queued of it waits."""
    with bank.store.begin(person) as connection:
        found = pause_request(connection, _request(connection, name).approval_id, reason, "campaign.pause")
        return _moved(connection, name, found, "")


@verb("campaign.resume")
def resume_campaign(bank: Bank, person: Principal, name: str, reason: str = "") -> Approval:
    """Let a paused campaign go on."""
    with bank.store.begin(person) as connection:
        found = resume_request(connection, _request(connection, name).approval_id, reason, "campaign.resume")
        return _moved(connection, name, found, "")


@verb("campaign.stop")
def kill_campaign(bank: Bank, person: Principal, name: str, reason: str) -> Approval:
    """Stop a campaign for good, as compliance, at any time: nothing queued goes out, its open tasks are taken back."""
    with bank.store.begin(person) as connection:
        found = kill(connection, _request(connection, name).approval_id, reason)
        recalled = call_off_campaign(connection, name, reason)
        return _moved(connection, name, found, "campaign.stop", reason, {"tasks": recalled})


@verb("campaign.close")
def close_campaign(bank: Bank, person: Principal, name: str, reason: str = "") -> int:
    """End a campaign's round and draft the next from it, linked to what it followed; return the next round's number."""
    with bank.store.begin(person) as connection:
        found = close_request(connection, _request(connection, name).approval_id, reason, "campaign.close")
        row = _known(connection, name)
        known = read_steps(connection, name, row.round)
        stored = [one for one in read_results(connection, name) if one.round == row.round]
        reading = evaluation.reading_of(stored[-1].reading) if stored else None
        in_force = champion(connection, name)
        learned = known["optimize"].detail if "optimize" in known else {}
        taught = lessons_of(reading, learned, in_force.version if in_force else None)
        for step in STEPS:
            before = known[step].detail if step in known else {}
            detail = {"from": {"round": row.round, "lock": found.digest, "approval": str(found.approval_id)}, **before}
            detail.pop("learned", None)
            if step in taught:
                detail["learned"] = [{"zh": one.zh, "en": one.en} for one in taught[step]]
            set_step(connection, StepState(name, row.round + 1, step, "draft", detail))
        save_campaign(connection, replace(row, state="draft"))
        after = {"round": row.round, "next": row.round + 1, "lock": found.digest}
        record_audit(connection, "campaign.close", "campaign", name, {"state": row.state}, after, reason)
    return row.round + 1


def demand_of(lock: Lock, customers: int, maker: Principal, *, emergency: bool = False) -> Demand:
    """Return what the route of a campaign depends on: size, money, the highest product risk, its lane, its branch."""
    risks = [p.risk.level for p in lock.products if p.risk is not None]
    unit = EVERY_UNIT if EVERY_UNIT in maker.units or not maker.units else maker.units[0]
    return Demand(
        customers=customers,
        money_fen=lock.campaign.reach.budget,
        risk=max(risks, default=0),
        lane=Lane(lock.campaign.lane),
        emergency=emergency,
        unit_id=unit,
        limits=limits_of(lock.policies),
    )


def _people_now(bank: Bank, principal: Principal) -> pa.Table:
    """Return yesterday's state with what customers allow now."""
    state = bank.state(bank.lake.today() - timedelta(days=1))
    with bank.store.begin(principal) as connection:
        return bank.allowed(connection, state).applied(state.table)


def _effect(bank: Bank, lock: Lock, learned: Uplift, found: audience.Snapshot, table: pa.Table) -> dict[str, Any]:
    """What approving it is predicted to do: whom it may reach, what it may cost, what the model expects of it."""
    people = table.take(pa.array(found.rows))
    keys = [action.key for action in reach.actions_of(lock)]
    base, uplift = learned.predict(model.feature_matrix(people, learned.base.features), keys)
    more = float(np.maximum(uplift, 0).max(axis=1).sum()) if keys and len(base) else 0.0
    budget = lock.campaign.reach.budget
    money = (
        Text("不设上限", "without limit")
        if budget is None
        else Text(say_fen(budget, Language.ZH), say_fen(budget, Language.EN))
    )
    risks = sorted({f"R{p.risk.level}" for p in lock.products if p.risk is not None})
    return {
        "customers": _fact("可触达客户", "customers it may reach", f"{found.usable:,}"),
        "left_out": _fact("排除客户", "customers left out", f"{found.hit - found.usable:,}"),
        "budget": {"zh": "预算上限", "en": "budget at most", "value": {"zh": money.zh, "en": money.en}},
        "channels": _fact("渠道", "channels", ", ".join(lock.campaign.reach.channels)),
        "risk": _fact("产品风险", "product risk", ", ".join(risks) or "—"),
        "successes": _fact("不触达时的预期达成", "successes expected without it", f"{float(base.sum()):,.0f}"),
        "more": _fact("触达至多增加", "more with it, at most", f"{more:,.0f}"),
        **_visible(lock, found.usable, float(base.mean()) if len(base) else 0.0, more),
    }


def _visible(lock: Lock, usable: int, base: float, more: float) -> dict[str, Any]:
    """What one round could see with the control that is written, and whether even everybody's contact would show."""
    written = lock.campaign.evaluate.control
    share = written / 1_000_000 if isinstance(written, int) else 0.25
    planned = evaluation.design(usable, share, base, more / usable if usable else 0.0)
    if not isfinite(planned.detectable):
        return {}
    clear = Text("可以", "yes") if planned.readable else Text("不能，要合并多轮", "no, rounds must be pooled")
    return {
        "visible": _fact("一轮能看清的最小提升", "smallest lift one round can see", f"{planned.detectable * 100:.2f} pp"),
        "readable": {
            "zh": "人人触达时一轮能否读出", "en": "whether one round shows it if everybody is contacted",
            "value": {"zh": clear.zh, "en": clear.en},
        },
    }  # fmt: skip


def _fact(zh: str, en: str, value: str) -> dict[str, str]:
    return {"zh": zh, "en": en, "value": value}


def _request(connection: Connection, name: str) -> Approval:
    found = approval_of(connection, "campaign", name)
    if found is None:
        raise _not_submitted(name)
    return found


def _not_submitted(name: str) -> ConflictError:
    return ConflictError(
        "campaign.not_submitted",
        Text("{name} 没有提交审批；先由经办人运行 bankloop submit", "{name} is not submitted; its maker runs bankloop submit first"),
        name=name,
    )  # fmt: skip


def _not_approved(name: str, state: str) -> ConflictError:
    return ConflictError(
        "campaign.not_approved",
        Text("{name} 的这一版没有获批（现在是 {state}）；请重新提交审批", "this version of {name} is not approved (it is {state}); submit it for approval"),
        name=name, state=state,
    )  # fmt: skip


def _known(connection: Connection, name: str) -> CampaignRow:
    return next(row for row in list_campaigns(connection) if row.name == name)


def _moved(
    connection: Connection,
    name: str,
    found: Approval,
    audited: str,
    reason: str = "",
    more: Mapping[str, int] | None = None,
) -> Approval:
    """Let the campaign's row follow its request; ``audited`` names the verb where the request's own row does not."""
    row = _known(connection, name)
    state = _ROW[found.state]
    if row.state != state:
        save_campaign(connection, replace(row, state=state))
    if audited:
        record_audit(
            connection, audited, "campaign", name, {"state": row.state}, {"state": state, **(more or {})}, reason
        )
    return found


def _follow(connection: Connection, name: str) -> None:
    """A lock that is approved already, submitted again, stays what it is."""
    found = _request(connection, name)
    if not found.open:
        _moved(connection, name, found, "")


def _free(connection: Connection, request: Approval) -> None:
    """Let a campaign whose lock has every consent run: its next round begins."""
    row = read_campaign(connection, request.object_id)
    if row is not None and row.lock_digest == request.digest and row.state != "approved":
        save_campaign(connection, replace(row, state="approved", round=row.round + 1))


def _draft_again(connection: Connection, request: Approval) -> None:
    row = read_campaign(connection, request.object_id)
    if row is not None and row.lock_digest == request.digest and request.state is ApprovalState.DRAFT:
        save_campaign(connection, replace(row, state="draft"))


have_effect(
    "campaign", Effects(Text("锁定的战役可以执行", "the campaign may run as it is locked"), _free, _draft_again)
)
