"""Step 7 on an open bank: a campaign's rounds read, kept once their window has closed, and restated when events came late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop import evaluate as evaluation
from bankloop.loop.bank import Bank
from bankloop.loop.evaluate import Reading
from bankloop.loop.evaluate.rules import read_rules
from bankloop.loop.round.labels import (
    LEARNT_FROM,
    STAFFED,
    campaign_outcomes,
    planned_shares,
    round_outcomes,
    round_population,
    staffed,
)
from bankloop.loop.round.rule_trials import JUDGED_BY, rounds_with_rules, rule_trials, rules_before
from bankloop.loop.round.window import plain_reading
from bankloop.loop.spec import Lock
from bankloop.organization.people import OF_STAFF, OF_UNITS, UnitPlaces
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal, ResultReading, StepState
from bankloop.store.registry import read_plans, read_results, save_result, set_step


def read_rounds(bank: Bank, principal: Principal, campaign: str, rounds: Sequence[int], *, keep: bool) -> Reading:
    """Return the reading of a campaign's rounds, pooled; with ``keep`` a result is stored with its audit row."""
    with bank.store.begin(principal) as connection:
        outcomes, shares, decided = [], [], []
        for round_ in rounds:
            lock, decisions, left_out = round_population(connection, campaign, round_, bank.leads(), JUDGED_BY)
            found = campaign_outcomes(bank, connection, lock, decisions, round_)
            outcomes.append(replace(found, notes={**found.notes, **left_out}))
            shares.append(_share(connection, lock, round_))
            decided.append(decisions)
        plans = read_plans(connection)
        judged = rounds_with_rules(plans, campaign, rounds)
        before = rules_before(plans, campaign, judged)
        first, last = _starts(connection, campaign, rounds)
        kept = [one for one in read_results(connection, campaign) if one.reading.get("rounds") == list(rounds)]
    today, within = bank.lake.today(), lock.campaign.goal.within
    closes = last + timedelta(days=within)
    elapsed = min(max(1.0 - (closes - today).days / within, 0.0), 1.0)
    window = (first.isoformat(), (closes - timedelta(days=1)).isoformat())
    motive = lock.campaign.motive or ""
    reading = evaluation.read(campaign, outcomes, shares, elapsed, window=window, within=within, motive=motive)
    # Rules are measured once: an interval for one look, and everybody's outcome known.
    if elapsed >= 1.0 and before:
        broken = next(iter(reading.broken_checks), None)
        ruled = [pair for round_, *pair in zip(rounds, decided, outcomes, strict=True) if round_ in judged]
        reading = replace(reading, rules=read_rules(rule_trials(before, *zip(*ruled, strict=True)), broken))
    earlier = [one for one in kept if one.as_of < today]
    if earlier:
        was = earlier[-1]
        reading = evaluation.restated(reading, evaluation.reading_of(was.reading), was.as_of.isoformat())
    # A reading before the window closes is a look, not a result: it is shown and not kept.
    if keep and today >= closes:
        with bank.store.begin(principal) as connection:
            save_result(connection, ResultReading(campaign, rounds[-1], today, plain_reading(reading)))
            detail = {"verdict": reading.verdict.value}
            set_step(connection, StepState(campaign, rounds[-1], "evaluate", "done", detail))
            record_audit(connection, "round.evaluate", "round", f"{campaign}/{rounds[-1]}", None, detail)
    return reading


def _share(connection: Connection, lock: Lock, round_: int) -> float:
    """The control share of a round: the first window's, or what the lock says where no plan is kept."""
    planned = planned_shares(connection, lock, round_)
    written = lock.campaign.evaluate.control
    otherwise = written / 1_000_000 if isinstance(written, int) else 0.25
    return planned[min(planned)] if planned else otherwise


def _starts(connection: Connection, campaign: str, rounds: Sequence[int]) -> tuple[date, date]:
    """The first day of the first window and that of the last one."""
    days = {
        plan.window_start
        for plan in read_plans(connection)
        if plan.summary.get("round") in rounds and campaign in plan.campaigns
    }
    return min(days, default=date.min), max(days, default=date.min)


def cut_by(
    bank: Bank, principal: Principal, campaign: str, rounds: Sequence[int], dimension: str
) -> tuple[evaluation.Cut, ...]:
    """Return a campaign's rounds, pooled, cut by one dimension: also by sub-branch and manager, as of the decision."""
    with bank.store.begin(principal) as connection:
        found = []
        for round_ in rounds:
            _, outcomes = round_outcomes(bank, connection, campaign, round_)
            if dimension in STAFFED:
                _, decisions, _ = round_population(connection, campaign, round_, bank.leads(), LEARNT_FROM)
                outcomes = replace(outcomes, labels={**outcomes.labels, dimension: staffed(bank, decisions, dimension)})
            found.append(outcomes)
    pooled, _ = evaluation.pool(found, 0.0)
    if dimension not in pooled.labels:
        raise NotFoundError(
            "evaluate.no_dimension",
            Text("不能按 {name} 分组；可以按 {known}", "readings are not cut by {name}; they are by {known}"),
            name=dimension,
            known=", ".join(sorted({*pooled.labels, *STAFFED})),
        )
    return evaluation.cuts_of(pooled, [dimension])


def within(reading: Reading, places: UnitPlaces) -> Reading:
    """Return a reading with the groups that a reader of ``places`` is shown; the whole of it is the bank's."""
    if places.whole:
        return reading
    cuts = tuple(one for one in reading.cuts if places.shows(one.dimension, one.key, one.treated + one.control))
    return replace(reading, cuts=cuts, differs=_of_the_bank(reading.differs))


def shown_of(stored: Mapping[str, Any], places: UnitPlaces) -> Mapping[str, Any]:
    """Return a reading as it was stored, with the groups that a reader of ``places`` is shown; see ``within``."""
    if places.whole:
        return stored
    cuts = [c for c in stored.get("cuts", ()) if places.shows(c["dimension"], c["key"], c["treated"] + c["control"])]
    return {**stored, "cuts": cuts, "differs": _of_the_bank(stored.get("differs", {}))}


def _of_the_bank(differs: Mapping[str, float]) -> dict[str, float]:
    return {name: p for name, p in differs.items() if name not in (*OF_UNITS, OF_STAFF)}


def newest_readings(bank: Bank, principal: Principal) -> list[Reading]:
    """Return each campaign's readings by round, the last day's of each."""
    with bank.store.begin(principal) as connection:
        stored = read_results(connection)
    found = {(row.campaign, row.round): row for row in stored if len(row.reading.get("rounds", ())) == 1}
    return [evaluation.reading_of(row.reading) for _, row in sorted(found.items())]
