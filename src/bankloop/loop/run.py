"""The closed loop, top-down: 建模型 筛客群 配产品 定权益 选话术 准触达 评结果 优模型.

``draft_model`` and ``submit`` prepare a campaign; a second person approves; ``plan`` shows what would happen; ``run``
makes it happen once; ``evaluate`` reads it; ``learn`` trains the challenger that the next round may be promoted to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.customer import Catalogue, State, frozen_catalogue
from bankloop.kit import ConflictError, Text
from bankloop.kit.expression import BOOL, parse
from bankloop.loop import audience, benefit, model, optimize, product, reach, script
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.loop.model import Card, Labelled, Uplift
from bankloop.loop.spec import Campaign, Lock, Policies, make_lock, read_lock
from bankloop.loop.spec.batch import conditions
from bankloop.organization import approval_of, approve, is_approved, submit_approval
from bankloop.store import (
    AudienceSnapshot,
    CampaignRow,
    ModelVersion,
    Plan,
    Principal,
    ResultReading,
    StepState,
    accepted_contacts,
    champion,
    list_campaigns,
    promote_model,
    read_decisions,
    read_events,
    read_models,
    read_plans,
    record_audit,
    register_model,
    save_campaign,
    save_lock,
    save_plan,
    save_result,
    save_snapshot,
    set_step,
    verb,
)
from bankloop.store import read_lock as stored_lock

STEPS = ("model", "audience", "product", "benefit", "script", "reach", "evaluate", "optimize")
# History that trains a first model ends this long before today, so that its outcomes are known.
_SEED = 20260921


@dataclass(frozen=True, slots=True)
class Window:
    """One dated window of a round, planned: what each step gave, and the plan."""

    round: int
    state: State
    locks: Mapping[str, Lock]
    audiences: Mapping[str, audience.Snapshot]
    offers: Mapping[str, product.Offers]
    models: Mapping[str, Uplift]
    plan: reach.DatedPlan
    lot: reach.Lot
    members: pa.Table

    @property
    def policies(self) -> Policies:
        """Return the policies under which it was planned."""
        return _policies(self.locks)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What running a window did; ``issued`` is None when the window had been issued before and nothing was done."""

    round: int
    window_start: date
    issued: reach.Issued | None


def plan(bank: Bank, principal: Principal, round_: int, window_start: date, seed: int = _SEED) -> Window:
    """Return what a window of a round would do, for all approved campaigns together; it changes nothing."""
    as_of = window_start - timedelta(days=1)
    locks = approved_locks(bank, principal)
    policies = _policies(locks)
    state = bank.state(as_of, _catalogue_for(bank, locks))
    # 1 建模型: the champions that the locks name
    models = {name: _locked_model(bank, principal, lock) for name, lock in locks.items()}
    # 2 筛客群: frozen snapshots with their exclusions
    audiences = {name: audience.select(lock, state.table, lock.types, as_of) for name, lock in locks.items()}
    # 3 配产品: eligibility and suitability, why and why not
    people = {name: state.table.take(pa.array(found.rows)) for name, found in audiences.items()}
    offers = {name: product.match(lock, people[name], lock.types, as_of) for name, lock in locks.items()}
    # 4 定权益 and 5 选话术 happen inside: an action is product × benefit × script × channel
    candidates = [
        reach.candidates_of(
            lock, audiences[name], offers[name], models[name], people[name], lock.types, as_of, round_,
            control_share(lock, models[name], people[name]),
        )
        for name, lock in locks.items()
    ]  # fmt: skip
    # 6 准触达: one plan over all campaigns, the bank is one sender
    types = {name: type_ for lock in locks.values() for name, type_ in lock.types.items()}
    joined = reach.join(candidates, state.table, policies, types, as_of, round_)
    dated, lot = reach.plan_window(joined, locks, policies, window_start, as_of, seed + round_)
    members = state.table.take(pa.array(joined.rows))
    return Window(round_, state, locks, audiences, offers, models, dated, lot, members)


def was_run(bank: Bank, principal: Principal, round_: int, window_start: date) -> bool:
    """Return whether a window of a round was issued before."""
    with bank.store.begin(principal) as connection:
        return any(stored.summary.get("round") == round_ for stored in read_plans(connection, window_start))


@verb("round.run")
def run(
    bank: Bank,
    principal: Principal,
    round_: int,
    window_start: date,
    seed: int = _SEED,
    prepared: Window | None = None,
) -> RunReport:
    """Issue a window once: decisions, reservations, messages and tasks in one transaction; again, it does nothing.

    ``prepared`` is what ``plan`` just returned for the same window; without it the window is planned here.
    """
    if was_run(bank, principal, round_, window_start):
        return RunReport(round_, window_start, None)
    window = prepared or plan(bank, principal, round_, window_start, seed)
    frame = reach.Frame(
        round_,
        window.state.digest,
        bank.lake.zone,
        _policies(window.locks).plan.placement,
        {name: _model_version(bank, principal, lock) for name, lock in window.locks.items()},
    )
    with bank.store.begin(principal) as connection:
        if not save_plan(connection, _stored_plan(window)):
            return RunReport(round_, window_start, None)
        issued = reach.issue(
            connection, window.plan, window.lot, window.locks, _policies(window.locks), window.members, frame, bank.clock
        )  # fmt: skip
        for index, name in enumerate(window.locks):
            _record_steps(connection, window, index, name)
        record_audit(
            connection, "round.run", "round", f"{round_}@{window_start}", None, {"decisions": issued.decisions}
        )
    return RunReport(round_, window_start, issued)


def evaluate(
    bank: Bank, principal: Principal, campaign: str, rounds: Sequence[int], *, keep: bool = True
) -> evaluation.Reading:
    """7 评结果: read a campaign's rounds, pooled where several are named, from decisions, contacts and events."""
    with bank.store.begin(principal) as connection:
        outcomes, shares = [], []
        for round_ in rounds:
            lock, found = round_outcomes(connection, campaign, round_)
            outcomes.append(found)
            shares.append(_stored_share(connection, campaign, round_, lock))
        reading = evaluation.read(campaign, outcomes, float(np.mean(shares)))
    if keep:
        with bank.store.begin(principal) as connection:
            today = bank.lake.today()
            save_result(connection, ResultReading(campaign, rounds[-1], today, plain_reading(reading)))
            detail = {"verdict": reading.verdict.value}
            set_step(connection, StepState(campaign, rounds[-1], "evaluate", "done", detail))
    return reading


@verb("model.learn")
def learn(bank: Bank, principal: Principal, campaign: str, round_: int, today: date) -> optimize.Challenger:
    """8 优模型: train the challenger on a round whose labels are due, compare, and submit it for promotion."""
    with bank.store.begin(principal) as connection:
        decisions = evaluation.population(read_decisions(connection, [campaign], round_), campaign)
        lock = read_lock(stored_lock(connection, decisions["lock_digest"][0].as_py()))
        due = decisions["due_on"][0].as_py()
        if not optimize.labels_due(due, today):
            raise ConflictError(
                "learn.labels_not_due",
                Text("{campaign} 第 {round} 轮的标签到 {due} 才齐；请届时再学", "the labels of {campaign} round {round} are due on {due}; learn then"),
                campaign=campaign, round=round_, due=due,
            )  # fmt: skip
        outcomes = _outcomes(connection, lock, decisions, round_)
    champion_model = _locked_model(bank, principal, lock)
    data = _labels(bank, decisions, outcomes, champion_model)
    now = model.feature_matrix(_audience_now(bank, lock, today), data.features)
    challenger = optimize.train_challenger(lock.campaign, champion_model, data, now, _SEED)
    with bank.store.begin(principal) as connection:
        _register(bank, connection, lock.campaign, challenger.model, challenger.card)
        set_step(connection, StepState(campaign, round_, "optimize", "done", {"rows": challenger.comparison.rows}))
        record_audit(connection, "model.learn", "model", campaign, None, {"round": round_, "rows": len(data.y)})
    return challenger


@verb("model.draft")
def draft_model(bank: Bank, principal: Principal, name: str, today: date, seed: int = _SEED) -> Card:
    """1 建模型, the first time: a propensity from history times the stated prior, kept as a draft and submitted."""
    campaign = bank.spec.campaigns[name]
    data, now = _history(bank, campaign, today)
    trained, card = model.train_first(campaign, data, now, seed)
    with bank.store.begin(principal) as connection:
        _register(bank, connection, campaign, trained, card)
        record_audit(connection, "model.draft", "model", name, None, {"rows": card.rows, "auc": round(card.auc, 4)})
    return card


@verb("model.promote")
def promote(bank: Bank, checker: Principal, name: str) -> int:
    """Approve the newest submitted model of a campaign and make it champion; return its version."""
    with bank.store.begin(checker) as connection:
        newest = max(read_models(connection, name), key=lambda m: m.version)
        waiting = approval_of(connection, "model", name)
        if waiting is None or waiting.digest != newest.artefact_digest:
            raise ConflictError(
                "model.not_submitted",
                Text("模型 {name} 第 {version} 版没有待审批的申请", "model {name} version {version} is not submitted for approval"),
                name=name, version=newest.version,
            )  # fmt: skip
        approve(connection, waiting.approval_id)
        promote_model(connection, name, newest.version)
        record_audit(connection, "model.promote", "model", name, None, {"version": newest.version})
    return newest.version


@verb("campaign.submit")
def submit(bank: Bank, maker: Principal, name: str) -> tuple[Lock, UUID]:
    """Resolve a campaign into its lock, check benefits and wording, and ask for approval of exactly that."""
    campaign = bank.spec.campaigns[name]
    products = [bank.spec.products[key] for key in campaign.products]
    benefit.check_benefits(
        campaign, products, [bank.spec.benefits[k] for k in campaign.benefits if k in bank.spec.benefits]
    )
    script.check_scripts([bank.spec.scripts[key] for key in campaign.scripts])
    with bank.store.begin(maker) as connection:
        found = champion(connection, name)
        if found is None:
            raise ConflictError(
                "campaign.no_model",
                Text("{name} 还没有批准的模型；先运行 bankloop learn {name}，再由他人批准", "{name} has no approved model yet; run bankloop learn {name} and have it approved"),
                name=name,
            )  # fmt: skip
        trained = model.load_model(bank.folder / found.artefact_path, found.artefact_digest)
        also = {*audience.attributes_read(), *product.ATTRIBUTES_READ, *trained.base.features, "branch_id"}
        lock = make_lock(campaign, bank.spec, bank.definitions, {name: found.artefact_digest}, also)
        before = next((row for row in list_campaigns(connection) if row.name == name), None)
        save_lock(connection, lock.digest, name, lock.content)
        request = submit_approval(connection, "campaign", name, lock.digest)
        round_ = before.round if before else 0
        save_campaign(connection, CampaignRow(name, "submitted", lock.digest, round_, maker.id))
        after = {"lock": lock.digest}
        known = {"lock": before.lock_digest} if before else None
        record_audit(connection, "campaign.submit", "campaign", name, known, after)
    return lock, request


@verb("campaign.approve")
def approve_campaign(bank: Bank, checker: Principal, name: str) -> None:
    """Approve a submitted campaign as a second person; its lock is frozen and may run."""
    with bank.store.begin(checker) as connection:
        request = approval_of(connection, "campaign", name)
        if request is None:
            raise ConflictError(
                "campaign.not_submitted",
                Text("{name} 没有提交审批；先由经办人运行 bankloop submit", "{name} is not submitted; its maker runs bankloop submit first"),
                name=name,
            )  # fmt: skip
        approve(connection, request.approval_id)
        row = next(row for row in list_campaigns(connection) if row.name == name)
        save_campaign(connection, CampaignRow(name, "approved", row.lock_digest, row.round + 1, row.maker))
        record_audit(connection, "campaign.approve", "campaign", name, {"state": row.state}, {"state": "approved"})


def approved_locks(bank: Bank, principal: Principal) -> dict[str, Lock]:
    """Return the frozen locks of all approved campaigns, by name; files play no part."""
    locks = {}
    with bank.store.begin(principal) as connection:
        for row in sorted(list_campaigns(connection), key=lambda row: row.name):
            if (
                row.lock_digest
                and row.state == "approved"
                and is_approved(connection, "campaign", row.name, row.lock_digest)
            ):
                locks[row.name] = read_lock(stored_lock(connection, row.lock_digest))
    if not locks:
        raise ConflictError(
            "run.nothing_approved",
            Text(
                "没有已批准的战役；先提交并由他人批准",
                "no campaign is approved; submit one and have another person approve it",
            ),
        )
    return locks


def locked_catalogue(locks: Mapping[str, Lock]) -> Catalogue:
    """Return the attributes as the locks froze them: an edited file changes nothing that was approved."""
    merged: dict[str, dict[str, Any]] = {}
    for name, lock in locks.items():
        for attribute, body in lock.content["attributes"].items():
            frozen = {key: value for key, value in body.items() if key != "uses"}
            if merged.setdefault(attribute, frozen) != frozen:
                raise ConflictError(
                    "run.attributes_differ",
                    Text(
                        "已批准的战役对标签 {attribute} 的定义不同；请重新提交 {name}",
                        "approved campaigns froze different definitions of {attribute}; submit {name} again",
                    ),
                    attribute=attribute,
                    name=name,
                )
    return frozen_catalogue(merged)


def _catalogue_for(bank: Bank, locks: Mapping[str, Lock]) -> Catalogue:
    """The bank's own catalogue where it still says what the locks froze: one state then serves learning too."""
    frozen = locked_catalogue(locks)
    same = all(
        name in bank.catalogue and bank.catalogue[name].digest == a.digest for name, a in frozen.attributes.items()
    )
    return bank.catalogue if same else frozen


def control_share(lock: Lock, learned: Uplift, people: pa.Table) -> int:
    """Return the control's share in ppm: as written, or for ``auto`` the smallest usual share that can be read.

    It can be read when 80 % of such rounds would find the lift that the model expects; else the largest usual share.
    """
    written = lock.campaign.evaluate.control
    if isinstance(written, int):
        return written
    keys = [action.key for action in reach.actions_of(lock)]
    base, uplift = learned.predict(model.feature_matrix(people, learned.base.features), keys)
    n, expected = people.num_rows, float(np.maximum(uplift, 0).max(axis=1).mean()) if keys and len(base) else 0.0
    for share in (50_000, 100_000, 150_000, 200_000, 250_000):
        held = n * share // 1_000_000
        if evaluation.minimum_detectable(float(base.mean()) if n else 0.0, n - held, held) <= expected:
            return share
    return 250_000


def _policies(locks: Mapping[str, Lock]) -> Policies:
    """The bank's policies as the newest lock froze them; campaigns approved under other policies must be resubmitted."""
    found = {lock.policies.model_dump_json(): lock.policies for lock in locks.values()}
    if len(found) > 1:
        raise ConflictError(
            "run.policies_differ",
            Text("已批准的战役用了不同版本的 policies.yaml；请重新提交 {names}", "approved campaigns froze different policies; submit {names} again"),
            names=", ".join(locks),
        )  # fmt: skip
    return next(iter(found.values()))


def _locked_model(bank: Bank, principal: Principal, lock: Lock) -> Uplift:
    digest = lock.models[lock.name]
    with bank.store.begin(principal) as connection:
        row = next(m for m in read_models(connection, lock.name) if m.artefact_digest == digest)
    return model.load_model(bank.folder / row.artefact_path, digest)


def _model_version(bank: Bank, principal: Principal, lock: Lock) -> dict[str, int]:
    with bank.store.begin(principal) as connection:
        return {
            m.model_id: m.version
            for m in read_models(connection, lock.name)
            if m.artefact_digest == lock.models[lock.name]
        }


def _register(bank: Bank, connection: Connection, campaign: Campaign, trained: Uplift, card: Card) -> None:
    name = campaign.campaign
    digest, path = model.save_model(trained, bank.folder / "data" / "models")
    known = read_models(connection, name)
    if not any(m.artefact_digest == digest for m in known):
        version = max((m.version for m in known), default=0) + 1
        place = str(path.relative_to(bank.folder))
        register_model(connection, ModelVersion(name, version, name, card.kind, card.as_dict(), digest, place))
    submit_approval(connection, "model", name, digest)


def _history(bank: Bank, campaign: Campaign, today: date) -> tuple[Labelled, np.ndarray]:
    """Training rows from history: the state as it was one goal window ago, labelled by what followed."""
    types = bank.catalogue.types
    then = today - timedelta(days=campaign.goal.within)
    leaks = set(_reads(bank, campaign))
    features = [f for f in model.feature_names(types, leaks) if not bank.catalogue[f].confidential]
    past, present = bank.state(then).table, bank.state(today).table
    with bank.lake.connection() as connection:
        query = (
            "SELECT DISTINCT customer_no FROM event WHERE type = $type "
            "AND occurred_at >= $start AND occurred_at < $stop"
        )
        values = {"type": campaign.goal.event, "start": then + timedelta(days=1), "stop": today + timedelta(days=1)}
        reached = connection.sql(query, params=values).to_arrow_table().column("customer_no").combine_chunks()
    label = np.asarray(pc.is_in(past["customer_no"], reached).to_numpy(zero_copy_only=False))
    # A customer file is not dated: who reached the goal since may have left the audience by it, and is added back.
    member = conditions(past, {"audience": campaign.audience}, types, then)["audience"] | label
    rows = pa.array(np.flatnonzero(member))
    x = model.feature_matrix(past.take(rows), features)
    here = conditions(present, {"audience": campaign.audience}, types, today)["audience"]
    now = model.feature_matrix(present.take(pa.array(np.flatnonzero(here))), features)
    return Labelled(x, label[member].astype(np.float64), features, (then, today)), now


def _reads(bank: Bank, campaign: Campaign) -> list[str]:
    """Yes/no attributes that the audience or its products ask for: undated facts that the goal itself changes."""
    texts = [campaign.audience, *(p for key in campaign.products if (p := bank.spec.products[key].eligible))]
    names = {name for text in texts for name in parse(text, bank.catalogue.types).names}
    return sorted(name for name in names if bank.catalogue[name].type == BOOL)


def _audience_now(bank: Bank, lock: Lock, today: date) -> pa.Table:
    table = bank.state(today).table
    rows = conditions(table, {"audience": lock.campaign.audience}, bank.catalogue.types, today)["audience"]
    return table.take(pa.array(np.flatnonzero(rows)))


def _labels(bank: Bank, decisions: pa.Table, outcomes: evaluation.Outcomes, champion_model: Uplift) -> Labelled:
    """Training rows of a randomised round: features as they were decided on, and where chance decided what."""
    as_of = decisions["as_of"][0].as_py()
    state = bank.state(as_of).table
    place = pc.index_in(decisions["customer_no"], state["customer_no"].combine_chunks())
    features = champion_model.base.features
    issued, intended = (
        np.array(pc.fill_null(decisions[c], "").to_pylist()) for c in ("issued_action", "intended_action")
    )
    return Labelled(
        x=model.feature_matrix(state.take(place), features),
        y=outcomes.success,
        features=features,
        window=(as_of, decisions["due_on"][0].as_py()),
        quiet=issued == "",
        control=outcomes.control,
        arms=_arms(decisions, issued, intended, outcomes.control),
    )


def _arms(decisions: pa.Table, issued: np.ndarray, intended: np.ndarray, control: np.ndarray) -> dict[str, model.Arm]:
    """Per action the rows where chance decided: who was meant to get it and may be a ghost, and who drew it by lot."""
    explores = np.array(decisions["cell"].to_pylist()) == reach.Cell.EXPLORE.value
    lots = {int(row): json.loads(decisions["propensities"][int(row)].as_py()) for row in np.flatnonzero(explores)}
    kept = 1.0 - float(control[~explores].mean()) if (~explores).any() else 1.0
    arms = {}
    for key in sorted(set(issued.tolist()) - {""}):
        meant = np.flatnonzero(~explores & (intended == key) & ((issued == key) | control))
        drew = np.array([r for r, lot in lots.items() if key in lot and issued[r] in (key, "")], dtype=np.int64)
        odds = np.array([lots[r][key] / (lots[r][key] + lots[r].get("", 0)) for r in drew.tolist()])
        rows = np.r_[meant, drew]
        probability = np.clip(np.r_[np.full(len(meant), kept), odds], 0.001, 0.999)
        arms[key] = model.Arm(rows, issued[rows] == key, probability)
    return arms


def round_outcomes(connection: Connection, campaign: str, round_: int) -> tuple[Lock, evaluation.Outcomes]:
    """Return a campaign's lock and outcomes of one round; raise ``ConflictError`` where there was none."""
    decisions = evaluation.population(read_decisions(connection, [campaign], round_), campaign)
    if not decisions.num_rows:
        raise ConflictError(
            "evaluate.no_round",
            Text("{campaign} 第 {round} 轮还没有决策；先运行 bankloop run", "{campaign} has no decisions in round {round}; run it first"),
            campaign=campaign, round=round_,
        )  # fmt: skip
    lock = read_lock(stored_lock(connection, decisions["lock_digest"][0].as_py()))
    return lock, _outcomes(connection, lock, decisions, round_)


def _outcomes(connection: Connection, lock: Lock, decisions: pa.Table, round_: int) -> evaluation.Outcomes:
    start = decisions["window_start"][0].as_py()
    until = start + timedelta(days=lock.campaign.goal.within)
    accepted = accepted_contacts(connection, lock.name)
    events = read_events(connection, evaluation.event_types(lock), start, until)
    return evaluation.outcomes_of(lock, round_, decisions, accepted, events)


def _stored_share(connection: Connection, campaign: str, round_: int, lock: Lock) -> float:
    for stored in read_plans(connection):
        if stored.summary.get("round") == round_ and campaign in stored.summary.get("control_share", {}):
            return float(stored.summary["control_share"][campaign])
    written = lock.campaign.evaluate.control
    return written / 1_000_000 if isinstance(written, int) else 0.25


def plain_reading(reading: evaluation.Reading) -> dict[str, object]:
    """Return a reading as it is stored and printed: rates as fractions, money in fen."""
    plain = reading.as_dict()
    plain["verdict"] = reading.verdict.value
    return plain


def _stored_plan(window: Window) -> Plan:
    dated = window.plan
    return Plan(
        plan_id=UUID(dated.plan_id),
        campaigns=tuple(window.locks),
        window_start=dated.window_start,
        window_end=dated.window_end,
        as_of=dated.as_of,
        digest=dated.digest,
        prices={line.name: line.price for line in dated.resources},
        value_fen=round(dated.solution.objective),
        bound_fen=round(dated.solution.bound),
        gap_ppm=round(dated.solution.gap * 1_000_000),
        summary={
            "round": window.round,
            "control_share": {c.campaign: c.control_share for c in dated.candidates.campaigns},
            "lines": [[line.campaign, line.action, line.customers, line.cost, line.value] for line in dated.lines],
            "resources": [[r.name, r.limit, r.used, r.price, r.holds_from, r.holds_to] for r in dated.resources],
        },
    )


def _record_steps(connection: Connection, window: Window, index: int, name: str) -> None:
    """Freeze the audience and say of each of the first six steps what it gave."""
    found = window.audiences[name]
    falls = {fall.code: fall.count for fall in found.falls}
    save_snapshot(
        connection,
        AudienceSnapshot(name, window.round, found.digest, {"hit": found.hit, "usable": found.usable, "falls": falls},
                         "decision", str(window.plan.window_start)),
    )  # fmt: skip
    lock = window.locks[name]
    reached = sum(line.customers for line in window.plan.lines if line.campaign == name)
    details: dict[str, dict[str, object]] = {
        "model": {"causal": window.models[name].causal},
        "audience": {"hit": found.hit, "usable": found.usable},
        "product": {p.key: int(window.offers[name].open(p.key).sum()) for p in lock.products},
        "benefit": {b.key: sum(x.customers for x in window.plan.lines if x.benefit == b.key) for b in lock.benefits},
        "script": {s.script: v.version for s in lock.scripts if (v := script.newest_approved(s))},
        "reach": {"reached": reached, "control": int(window.plan.candidates.control[:, index].sum())},
    }
    for step, detail in details.items():
        set_step(connection, StepState(name, window.round, step, "done", detail))
