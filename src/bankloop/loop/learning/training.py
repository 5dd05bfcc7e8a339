"""Steps 1 and 8 on an open bank: a first model, a challenger when labels are due, drift watched, a champion rolled back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from bankloop.kit.errors import ConflictError, NotFoundError
from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text
from bankloop.loop import model, optimize
from bankloop.loop.bank import Bank
from bankloop.loop.learning.today import campaign_today
from bankloop.loop.model import ModelCard, Uplift
from bankloop.loop.round.labels import (
    LEARNT_FROM,
    audience_now,
    campaign_outcomes,
    decided_features,
    history_rows,
    learning_rows,
    planned_shares,
    round_population,
)
from bankloop.loop.spec import Lock, read_lock
from bankloop.organization.approval import submit_approval
from bankloop.store.audit import record_audit
from bankloop.store.contracts import ModelVersion, Principal, StepState
from bankloop.store.registry import champion, list_campaigns, read_models, read_steps, register_model, set_step
from bankloop.store.registry import read_lock as stored_lock
from bankloop.store.verbs import verb

SEED = 20260921
RETRAIN = "retrain"


@verb("model.draft")
def draft_model(bank: Bank, principal: Principal, name: str, today: date, seed: int = SEED) -> ModelCard:
    """1 建模型, the first time: a propensity from history times the stated prior, kept as a draft and submitted."""
    campaign = bank.campaign(name)
    data, now = history_rows(bank, campaign, today)
    trained, card = model.train_first(campaign, data, now, seed)
    with bank.store.begin(principal) as connection:
        entered = register(bank, connection, name, trained, card)
        submit_approval(connection, "model", name, entered.artefact_digest)
        record_audit(connection, "model.draft", "model", name, None, {"rows": card.rows, "auc": round(card.auc, 4)})
    return card


def learn_from(
    bank: Bank,
    principal: Principal,
    campaign: str,
    round_: int,
    today: date,
    anyway: str,
    prepared: optimize.Challenger | None = None,
) -> optimize.Challenger:
    """Train the challenger on all rounds up to one whose labels are due, and compare it with the champion.

    It is submitted for promotion only where the comparison supports it, or where somebody says why it should be all the
    same (``anyway``); else it stays in the registry and the champion in force. ``prepared`` is what was learned from
    the same round before: it is not learned again.
    """
    with bank.store.begin(principal) as connection:
        lock, decisions, _ = round_population(connection, campaign, round_, bank.leads(), LEARNT_FROM)
        due = decisions["due_on"][0].as_py()
        if not optimize.labels_due(due, today):
            raise ConflictError(
                "learn.labels_not_due",
                Text("{campaign} 第 {round} 轮的标签到 {due} 才齐；请届时再学", "the labels of {campaign} round {round} are due on {due}; learn then"),
                campaign=campaign, round=round_, due=due,
            )  # fmt: skip
        before = _entry(connection, lock)
    challenger = prepared or _trained(bank, principal, (lock, decisions, round_), before, today)
    with bank.store.begin(principal) as connection:
        entered = register(bank, connection, campaign, challenger.model, challenger.card)
        compared = challenger.comparison
        proposed = compared.supported or bool(anyway.strip())
        if proposed:
            effect = promotion_effect(before, entered, compared)
            submit_approval(connection, "model", campaign, entered.artefact_digest, effect=effect, reason=anyway)
        said = {"zh": compared.sentence.zh, "en": compared.sentence.en}
        detail = {
            **({} if proposed else _drift_told(connection, campaign, round_)),
            "rows": compared.rows, "supported": compared.supported, "said": said, "version": entered.version,
            "learnt": {"round": round_, "until": _newest_closed(connection, lock, round_, today).isoformat()},
        }  # fmt: skip
        set_step(connection, StepState(campaign, round_, "optimize", "done", detail))
        after = {"round": round_, "rows": challenger.card.rows, "version": entered.version, "proposed": proposed}
        record_audit(connection, "model.learn", "model", campaign, None, after, anyway)
    return replace(challenger, version=entered.version)


def _trained(
    bank: Bank, principal: Principal, newest: tuple[Lock, pa.Table, int], before: ModelVersion, today: date
) -> optimize.Challenger:
    """Return the challenger of a round, as its lock and population say it, beside the registered champion."""
    lock, in_force = newest[0], _loaded(bank, before)
    with bank.store.begin(principal) as connection:
        data, tried = learning_rows(bank, connection, newest, tuple(in_force.base.features))
    yesterday = today - timedelta(days=1)
    now = model.feature_matrix(audience_now(bank, lock, yesterday, data.features), data.features)
    learnt = tuple(before.card.get("rounds", ()))
    setting = campaign_today(bank, principal, lock, in_force, today)
    return optimize.train_challenger(lock.campaign, in_force, learnt, data, tried, now, SEED, lock.digest, setting)


@verb("model.rollback")
def roll_back(bank: Bank, principal: Principal, name: str, version: int, reason: str) -> ModelVersion:
    """Ask for an earlier version to be champion again; another person's approval makes it so."""
    with bank.store.begin(principal) as connection:
        versions = {one.version: one for one in read_models(connection, name)}
        if version not in versions:
            raise NotFoundError(
                "model.no_version",
                Text("{name} 没有第 {version} 版模型；有 {known}", "{name} has no model version {version}; it has {known}"),
                name=name, version=version, known=", ".join(str(v) for v in sorted(versions)),
            )  # fmt: skip
        wanted = versions[version]
        if wanted.state == "champion":
            raise ConflictError(
                "model.in_force",
                Text("{name} 第 {version} 版已是现任", "version {version} of {name} is the champion already"),
                name=name,
                version=version,
            )
        if not reason.strip():
            raise ConflictError(
                "model.rollback_reason",
                Text("回退要写明原因；请加 --reason", "a rollback needs its reason; add --reason"),
            )
        before = champion(connection, name)
        effect = promotion_effect(before, wanted, None) if before else {}
        submit_approval(connection, "model", name, wanted.artefact_digest, effect=effect, reason=reason)
        was = {"version": before.version} if before else None
        record_audit(connection, "model.rollback", "model", name, was, {"version": version}, reason)
    return wanted


@verb("model.watch")
def watch_model(bank: Bank, principal: Principal, name: str, today: date) -> tuple[optimize.Drift, ...]:
    """Watch a champion: PSI of its audience's scores of yesterday, calibration on the newest round with labels due.

    Where a limit is passed the campaign's eighth step asks for a retraining, once for each champion and kind.
    """
    with bank.store.begin(principal) as connection:
        row = next((one for one in list_campaigns(connection) if one.name == name), None)
        entry = champion(connection, name)
        lock = read_lock(stored_lock(connection, row.lock_digest)) if row and row.lock_digest else None
    if row is None or entry is None or lock is None:
        raise ConflictError(
            "model.no_champion",
            Text("{name} 还没有现任模型；先学、批准并提交", "{name} has no champion yet; learn one, have it approved, submit"),
            name=name,
        )  # fmt: skip
    in_force = _loaded(bank, entry)
    reads = in_force.base.features
    scores = in_force.base.predict(
        model.feature_matrix(audience_now(bank, lock, today - timedelta(days=1), reads), reads)
    )
    with bank.store.begin(principal) as connection:
        seen = (
            optimize.stability(entry.card, scores),
            _calibration(bank, connection, in_force, name, row.round, today),
        )
        found = tuple(one for one in seen if one is not None)
        alarms = [one for one in found if one.alarm]
        if alarms:
            ask_retraining(connection, name, max(row.round, 1), entry.version, alarms)
    return found


def learnt_until(connection: Connection, campaign: str, round_: int) -> date | None:
    """Return the first day of the last window of a round that was learned from; None where none was."""
    step = read_steps(connection, campaign, round_).get("optimize")
    # The draft of a round begins with what its predecessor's steps said.
    mark = step.detail.get("learnt", {}) if step else {}
    return date.fromisoformat(mark["until"]) if mark.get("round") == round_ else None


def _newest_closed(connection: Connection, lock: Lock, round_: int, today: date) -> date:
    """Return the first day of a round's newest window whose labels are due."""
    within = timedelta(days=lock.campaign.goal.within)
    return max(
        start for start in planned_shares(connection, lock, round_) if optimize.labels_due(start + within, today)
    )


def _drift_told(connection: Connection, campaign: str, round_: int) -> dict[str, Any]:
    """Return what a round's eighth step knows of drift: while the champion stays, nobody is asked again."""
    step = read_steps(connection, campaign, round_).get("optimize")
    return {key: step.detail[key] for key in ("watched", "alerts") if key in step.detail} if step else {}


def ask_retraining(connection: Connection, name: str, round_: int, version: int, alarms: list[optimize.Drift]) -> bool:
    """Make the task to retrain, where this champion has none of this kind yet; return whether it is new."""
    step = read_steps(connection, name, round_).get("optimize")
    known = dict(step.detail.get("alerts", {})) if step and step.detail.get("watched") == version else {}
    new = {one.kind: _plain(one) for one in alarms if one.kind not in known}
    if not new:
        return False
    detail = {**(step.detail if step else {}), "watched": version, "alerts": {**known, **new}}
    set_step(connection, StepState(name, round_, "optimize", RETRAIN, detail))
    after = {"version": version, "alerts": {kind: one["value"] for kind, one in new.items()}}
    record_audit(connection, "model.watch", "model", name, None, after, "drift")
    return True


def _in_money(form: str, *fen: float) -> Mapping[str, str]:
    """Return amounts in fen as the approver reads them, in both languages."""
    return {one.value: form.format(*(say_fen(amount, one) for amount in fen)) for one in Language}


def promotion_effect(
    before: ModelVersion, after: ModelVersion, compared: optimize.Comparison | None
) -> Mapping[str, Mapping[str, Any]]:
    """Return both cards side by side and the comparison, as the approver reads them."""
    rows: list[tuple[str, str, str, str | Mapping[str, str]]] = [
        ("versions", "现任 → 提议", "champion → proposed", f"v{before.version} → v{after.version}"),
        ("auc", "AUC", "AUC", _pair(before, after, "auc", "{:.3f}")),
        ("ks", "KS", "KS", _pair(before, after, "ks", "{:.3f}")),
        ("lift_at_10", "lift@10%", "lift@10%", _pair(before, after, "lift_at_10", "{:.2f}")),
        ("psi", "PSI", "PSI", _pair(before, after, "psi", "{:.2f}")),
        ("learner", "学习器", "learner", _pair(before, after, "learner", "{}")),
        ("rows", "训练行", "rows trained on", _pair(before, after, "rows", "{:,}")),
        ("causal", "因果", "causal", _pair(before, after, "causal", "{}")),
    ]
    if compared is not None:
        rows.append(("compared", "比较用行", "rows compared", f"{compared.rows:,}"))
        if compared.plan is not None:
            p, g = compared.plan, compared.plan.gain
            brings = _in_money("{} [{}, {}]", g.value, g.low, g.high)
            reaches = f"{p.first:,} → {p.reached:,}"
            rows += [
                ("gain", "新方案每个窗口多带来", "the new plan brings more, a window", brings),
                ("probability", "带来更多的把握", "probability that it is more", f"{p.probability:.0%}"),
                ("reach", "触达：首个方案 → 新方案", "customers reached: first plan → new plan", reaches),
            ]
        if compared.error is not None:
            e = compared.error
            rows.append(("error", "误差减少", "error taken away", f"{e.value:.2g} [{e.low:.2g}, {e.high:.2g}]"))
        rows += [
            (f"value_{v.estimator}", f"{v.estimator}：现任 → 挑战者，每客户", f"{v.estimator}: champion → challenger, a customer",
             _in_money("{} → {} [{}, {}]", v.champion.value, v.challenger.value, v.challenger.low, v.challenger.high))
            for v in compared.values
        ]  # fmt: skip
    plain: dict[str, Mapping[str, Any]] = {key: {"zh": zh, "en": en, "value": said} for key, zh, en, said in rows}
    if compared is not None:
        verdict = {"zh": compared.sentence.zh, "en": compared.sentence.en}
        plain["verdict"] = {"zh": "结论", "en": "in words", "value": verdict}
    return plain


def _calibration(
    bank: Bank, connection: Connection, in_force: Uplift, name: str, newest: int, today: date
) -> optimize.Drift | None:
    """The champion's chance without contact against what happened, on the newest round whose labels are due."""
    for number in range(newest, 0, -1):
        try:
            lock, decisions, _ = round_population(connection, name, number, bank.leads(), LEARNT_FROM)
        except ConflictError:
            continue
        if optimize.labels_due(decisions["due_on"][0].as_py(), today):
            found = campaign_outcomes(bank, connection, lock, decisions, number, to_read=False)
            quiet = ~found.contacted
            x = model.feature_matrix(decided_features(bank, decisions, in_force.base.features), in_force.base.features)
            return optimize.calibration(in_force, x[quiet], found.success[quiet])
    return None


def _plain(one: optimize.Drift) -> dict[str, Any]:
    said = {"zh": one.sentence.zh, "en": one.sentence.en}
    return {"value": round(one.value, 4), "limit": round(one.limit, 4), "said": said}


def _pair(before: ModelVersion, after: ModelVersion, key: str, form: str) -> str:
    return " → ".join(form.format(one.card[key]) if key in one.card else "—" for one in (before, after))


def _entry(connection: Connection, lock: Lock) -> ModelVersion:
    """The registry's row of the model that a lock names."""
    digest = lock.models[lock.name]
    return next(m for m in read_models(connection, lock.name) if m.artefact_digest == digest)


def _loaded(bank: Bank, entry: ModelVersion) -> Uplift:
    return model.load_model(bank.folder / entry.artefact_path, entry.artefact_digest)


def register(bank: Bank, connection: Connection, name: str, trained: model.Artefact, card: ModelCard) -> ModelVersion:
    """Keep the artefact and enter it as the next version; the same artefact keeps the version it has."""
    digest, path = model.save_model(trained, bank.folder / "data" / "models")
    versions = read_models(connection, name)
    known = next((m for m in versions if m.artefact_digest == digest), None)
    if known is not None:
        return known
    number = max((m.version for m in versions), default=0) + 1
    place = str(path.relative_to(bank.folder))
    made = ModelVersion(name, number, name, card.kind, card.as_dict(), digest, place)
    register_model(connection, made)
    return made


__all__ = [
    "RETRAIN",
    "SEED",
    "ask_retraining",
    "draft_model",
    "learn_from",
    "promotion_effect",
    "register",
    "roll_back",
    "watch_model",
]
