"""Values a policy on logged data: read, learn on one part, choose for the other, value every policy there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path

import numpy as np

from bankloop.kit.located import Located, read_located
from bankloop.kit.money import MINOR_UNITS
from bankloop.kit.text import Text
from bankloop.loop.evaluate.off_policy import (
    Floats,
    Logs,
    cross_fitted,
    direct_method,
    doubly_robust_scores,
    interval,
    ips,
    snips,
    summary,
    weights,
    why_skewed,
    why_unread,
)
from bankloop.loop.evaluate.policy import errors
from bankloop.loop.evaluate.policy.choices import PolicyCandidate, choose
from bankloop.loop.evaluate.policy.contracts import LoggedBank, LoggedColumn, PolicySpec, Reward, UnitAmount
from bankloop.loop.evaluate.policy.design import ExperimentDesign, costs_of, read_design
from bankloop.loop.evaluate.policy.logged import Experiment, read_experiment
from bankloop.loop.evaluate.policy.results import PolicyValuation, RewardReading, ValuedPolicy
from bankloop.loop.evaluate.statistics import Estimate
from bankloop.loop.spec import read_spec

PER = 1_000
POLICY_FILE = "policy.yaml"
# A price is never made from these, whether or not a policy's own list names them.
NEVER_A_PRICE = frozenset(
    {
        "age", "lnage", "birth_date", "gender", "sex", "female", "male", "married", "marital", "marital_status",
        "province", "region", "rural", "zip_code", "nationality", "race", "ethnicity", "religion",
    }
)  # fmt: skip

_DRAWN = Text(
    "每个动作的概率取其在检验部分该分层内的份额；结果模型交叉拟合；区间为 95%，只反映检验客户的抽样",
    "an action's propensity is its share within its stratum of the test rows; outcome models are cross-fitted; "
    "intervals are 95 % and count the sampling of test customers only",
)
_LEVELS = Text(
    "一个档位是一段利率，按当时在该段内实际给出的利率组合估值；组内所有客户同价",
    "a level is a range of rates, valued as the mix that was offered inside it; everybody in a group has the same level",
)
_CEILING = Text(
    "计划的客户加权平均利率不超过检验部分当时的平均利率：否则只要提价就能取胜。取“不超过”而非“等于”，因为档位组合凑不出相等",
    "the plan's mean rate, weighted by customers, is at most the lender's own mean in the test part: otherwise raising "
    "every price would win. At most and not equal, because no combination of levels is equal",
)


def value_policy(folder: Path, data: Path, seed: int = 42) -> PolicyValuation:
    """Return the value of a policy and of what it is held against, on the test part of its logged experiment.

    ``folder`` holds bank.yaml and policy.yaml (or is that policy file); ``data`` holds the file that bank.yaml names.
    Raises ``SpecError`` for the files, ``NotFoundError`` ``policy.no_data``, ``DataError`` for what cannot be read and
    ``UnsupportedPolicy`` for a policy that does what was never tried.
    """
    path = folder if folder.suffix == ".yaml" else folder / POLICY_FILE
    bank = read_spec(path.parent / "bank.yaml", LoggedBank)
    spec, located = read_spec(path, PolicySpec), read_located(path)
    _check(spec, bank.logged.columns, located)
    _check_amounts(spec, bank, located)
    experiment = read_experiment(data, bank.logged)
    design = read_design(spec, experiment, seed)
    choices = choose(spec, experiment, design, seed, located)
    earned = [_logs(experiment, design, reward) for reward in spec.rewards]
    logs = [_after_costs(spec, reward, log) for reward, log in zip(spec.rewards, earned, strict=True)]
    x = _outcome_features(spec, experiment, design)
    models = [cross_fitted(x, log, seed) for log in logs]
    readings = tuple(
        _reading(reward, bank, before, log, model, choices.policies)
        for reward, before, log, model in zip(spec.rewards, earned, logs, models, strict=True)
    )
    return PolicyValuation(
        policy=spec.policy,
        title=spec.title.text,
        seed=seed,
        customers=experiment.rows,
        learned=int(design.learn.sum()),
        test_customers=int(design.test.sum()),
        readings=readings,
        estimators={
            name: _shown(found, readings[0].policies["plan"].unread)
            for name, found in _estimators(readings[0].per, logs[0], models[0], choices.policies["plan"]).items()
        },
        chosen=choices.chosen,
        notes=_notes(spec, bank, design),
    )


def _check(spec: PolicySpec, columns: Mapping[str, LoggedColumn], located: Located) -> None:
    """Refuse columns that bank.yaml does not map, that have the wrong type, or that are protected."""
    barred = frozenset(spec.protected) | (NEVER_A_PRICE if spec.rate else frozenset())
    for route, name, wanted, steers in _used(spec):
        place = located.place(*route)
        fitting = [key for key, column in columns.items() if column.type in wanted]
        if name not in fitting:
            raise errors.unknown_name(place, name, fitting)
        if steers and (columns[name].source in barred or name in barred):
            raise errors.protected(place, name, columns[name].source)


def _check_amounts(spec: PolicySpec, bank: LoggedBank, located: Located) -> None:
    """Refuse events without a worth, a worth of what is not counted, a cost of no arm, and another currency."""
    columns = bank.logged.columns
    amounts: list[tuple[str, UnitAmount]] = []
    for index, reward in enumerate(spec.rewards):
        events = [one for one in (*reward.add, *reward.subtract) if columns[one].type == "number"]
        for part, names in (("add", reward.add), ("subtract", reward.subtract)):
            for at, name in enumerate(names):
                if reward.kind == "money" and name in events and name not in reward.worth:
                    raise errors.no_worth(located.place("rewards", index, part, at), name)
        for name, worth in reward.worth.items():
            place = located.place("rewards", index, "worth", name)
            if name not in events:
                raise errors.unknown_name(place, name, events)
            amounts.append((place, worth))
    for arm, cost in (spec.arms.costs if spec.arms else {}).items():
        place = located.place("arms", "costs", arm)
        if spec.arms and arm not in spec.arms.values:
            raise errors.unknown_name(place, arm, spec.arms.values)
        amounts.append((place, cost))
    for place, amount in amounts:
        if amount.currency not in (None, bank.currency):
            raise errors.other_currency(place, str(amount.currency), bank.currency)


def _used(spec: PolicySpec) -> Iterator[tuple[tuple[str | int, ...], str, tuple[str, ...], bool]]:
    """Yield (place, column, types it may have, whether it steers the policy) for each column the spec names."""
    numbers, categories = ("number", "money"), ("category",)
    for index, reward in enumerate(spec.rewards):
        wanted = numbers if reward.kind == "money" else ("number",)
        for part, names in (("add", reward.add), ("subtract", reward.subtract)):
            for at, name in enumerate(names):
                yield ("rewards", index, part, at), name, wanted, False
    for at, name in enumerate(spec.features):
        yield ("features", at), name, (*numbers, *categories), True
    for at, name in enumerate(spec.strata):
        yield ("strata", at), name, categories, True
    if spec.split.column:
        yield ("split", "column"), spec.split.column, categories, False
    if spec.arms:
        yield ("arms", "column"), spec.arms.column, categories, False
    if spec.rate:
        yield ("rate", "column"), spec.rate.column, ("number",), False
        yield ("rate", "group"), spec.rate.group, categories, True


def _logs(experiment: Experiment, design: ExperimentDesign, reward: Reward) -> Logs:
    rows = design.test
    names = np.array(design.strata)[design.stratum[rows]]
    return Logs(design.action[rows], design.propensity(), experiment.reward(reward)[rows], design.names, names)


def _after_costs(spec: PolicySpec, reward: Reward, logs: Logs) -> Logs:
    costs = costs_of(spec, reward, logs.names)
    return replace(logs, reward=logs.reward - costs[logs.action]) if costs.any() else logs


def _outcome_features(spec: PolicySpec, experiment: Experiment, design: ExperimentDesign) -> Floats:
    """Return what the outcome models read of the test rows: the features, and which stratum a row was drawn in."""
    present = np.unique(design.stratum[design.test])
    strata = (design.stratum[design.test][:, None] == present[None, 1:]).astype(np.float64)
    return np.column_stack([experiment.features(spec.features)[design.test], strata])


def _reading(
    reward: Reward,
    bank: LoggedBank,
    earned: Logs,
    logs: Logs,
    model: Floats,
    policies: Mapping[str, PolicyCandidate],
) -> RewardReading:
    """Value every policy by ``logs``; ``earned``, before costs, says whether it can be read: a cost is no success."""
    scores = {name: doubly_robust_scores(logs, one.probability, model) for name, one in policies.items()}
    why = {name: why_unread(earned, one.probability, scores[name]) for name, one in policies.items()}
    valued: dict[str, ValuedPolicy] = {}
    for name, one in policies.items():
        read = summary(scores[name], weights(logs, one.probability))
        found = _shown(read.estimate, why[name])
        apart = why["plan"] or why[name] or _why_no_lead(policies["plan"], one, scores["plan"] - scores[name])
        valued[name] = ValuedPolicy(
            one.title,
            found,
            found.scaled(float(len(logs.reward))),
            _shown(interval(scores["plan"] - scores[name])[0], apart),
            read.ess,
            read.max_weight,
            why[name],
            apart,
        )
    money = reward.kind == "money"
    hidden = any(_vanishes(one.value) or _vanishes(one.lead) for one in valued.values())
    per = 1 if money and not hidden else PER
    shown = {name: replace(one, value=one.value.scaled(per), lead=one.lead.scaled(per)) for name, one in valued.items()}
    unit, total = _units(reward, bank, per)
    return RewardReading(reward.key, reward.title.text, unit, total, bank.currency if money else None, per, shown)


def _vanishes(each: Estimate) -> bool:
    """Return whether whole minor units a head hide what an interval says: that nought is outside, or its width."""
    if not isfinite(each.low) or each.low == each.high:
        return False
    low, high = round(each.low), round(each.high)
    return low == high or (each.low > 0 and low == 0) or (each.high < 0 and high == 0)


def _why_no_lead(plan: PolicyCandidate, other: PolicyCandidate, apart: Floats) -> Text | None:
    """Return why the lead cannot be read; of the same choices it is known to be nought."""
    return None if np.array_equal(plan.probability, other.probability) else why_skewed(apart)


def _shown(estimate: Estimate, unread: Text | None) -> Estimate:
    return estimate if unread is None else Estimate(estimate.value, -inf, inf)


def _units(reward: Reward, bank: LoggedBank, per: int) -> tuple[Text, Text]:
    if reward.kind == "money":
        minor = bank.minor_unit
        customers = Text("每位客户", "per customer") if per == 1 else Text("每千名客户", f"per {PER:,} customers")
        return (
            Text(f"{customers.zh}的{reward.title.zh}（{minor.zh}）", f"{minor.en} of {reward.title.en} {customers.en}"),
            Text(
                f"全部检验客户的{reward.title.zh}（{minor.zh}）", f"{minor.en} of {reward.title.en}, all test customers"
            ),
        )
    return (
        Text(f"每千名客户的{reward.title.zh}", f"{reward.title.en} per {PER:,} customers"),
        Text(f"全部检验客户的{reward.title.zh}", f"{reward.title.en}, all test customers"),
    )


def _estimators(per: int, logs: Logs, model: Floats, plan: PolicyCandidate) -> dict[str, Estimate]:
    found = {
        "ips": ips(logs, plan.probability),
        "snips": snips(logs, plan.probability),
        "dm": direct_method(logs, plan.probability, model),
    }
    return {name: value.estimate.scaled(per) for name, value in found.items()}


def _notes(spec: PolicySpec, bank: LoggedBank, design: ExperimentDesign) -> tuple[Text, ...]:
    notes = [note.text for note in spec.notes] + _amounts_said(spec, bank) + [_DRAWN]
    if spec.rate:
        seen_zh = "；".join(f"{band.name} {band.seen}" for band in design.bands)
        seen_en = "; ".join(f"{band.name} {band.seen}" for band in design.bands)
        notes += [_LEVELS, _CEILING]
        notes.append(
            Text(
                f"检验部分试过的利率（{spec.rate.unit.zh}）：{seen_zh}；学习部分有 {design.dropped} 行在此之外，未用",
                f"rates tried in the test part ({spec.rate.unit.en}): {seen_en}; {design.dropped} rows to learn from "
                "lie outside and were left out",
            )
        )
    return tuple(notes)


def _amounts_said(spec: PolicySpec, bank: LoggedBank) -> list[Text]:
    """Return what a policy file states of money that no column holds: costs of arms, worths of events."""
    notes = []
    for reward in spec.rewards:
        stated = {**reward.worth, **(spec.arms.costs if spec.arms and reward.after_costs else {})}
        said = [f"{name} {one.minor / MINOR_UNITS:.10g} {bank.currency}" for name, one in stated.items()]
        if said:
            notes.append(
                Text(
                    f"“{reward.title.zh}”按 policy.yaml 所写的金额算，数据中没有：{'、'.join(said)}",
                    f"{reward.title.en}: with amounts that policy.yaml states and no data hold: {', '.join(said)}",
                )
            )
    return notes
