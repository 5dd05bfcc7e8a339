"""Values a policy on logged data: read, learn on one part, choose for the other, value every policy there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path

import numpy as np

from bankloop.kit.located import Located, read_located
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
from bankloop.loop.evaluate.policy.contracts import LoggedBank, LoggedColumn, PolicySpec, Reward
from bankloop.loop.evaluate.policy.design import ExperimentDesign, read_design
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
    experiment = read_experiment(data, bank.logged)
    design = read_design(spec, experiment, seed)
    choices = choose(spec, experiment, design, seed, located)
    logs = [_logs(experiment, design, reward) for reward in spec.rewards]
    x = _outcome_features(spec, experiment, design)
    models = [cross_fitted(x, log, seed) for log in logs]
    readings = tuple(
        _reading(reward, bank, log, model, choices.policies)
        for reward, log, model in zip(spec.rewards, logs, models, strict=True)
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
            for name, found in _estimators(spec.rewards[0], logs[0], models[0], choices.policies["plan"]).items()
        },
        chosen=choices.chosen,
        notes=_notes(spec, design),
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


def _used(spec: PolicySpec) -> Iterator[tuple[tuple[str | int, ...], str, tuple[str, ...], bool]]:
    """Yield (place, column, types it may have, whether it steers the policy) for each column the spec names."""
    numbers, categories = ("number", "money"), ("category",)
    for index, reward in enumerate(spec.rewards):
        wanted = ("money",) if reward.kind == "money" else ("number",)
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


def _outcome_features(spec: PolicySpec, experiment: Experiment, design: ExperimentDesign) -> Floats:
    """Return what the outcome models read of the test rows: the features, and which stratum a row was drawn in."""
    present = np.unique(design.stratum[design.test])
    strata = (design.stratum[design.test][:, None] == present[None, 1:]).astype(np.float64)
    return np.column_stack([experiment.features(spec.features)[design.test], strata])


def _reading(
    reward: Reward, bank: LoggedBank, logs: Logs, model: Floats, policies: Mapping[str, PolicyCandidate]
) -> RewardReading:
    scale = 1.0 if reward.kind == "money" else float(PER)
    scores = {name: doubly_robust_scores(logs, one.probability, model) for name, one in policies.items()}
    why = {name: why_unread(logs, one.probability, scores[name]) for name, one in policies.items()}
    valued = {}
    for name, one in policies.items():
        read = summary(scores[name], weights(logs, one.probability))
        found = _shown(read.estimate, why[name])
        apart = why["plan"] or why[name] or _why_no_lead(policies["plan"], one, scores["plan"] - scores[name])
        valued[name] = ValuedPolicy(
            one.title,
            found.scaled(scale),
            found.scaled(float(len(logs.reward))),
            _shown(interval(scores["plan"] - scores[name])[0], apart).scaled(scale),
            read.ess,
            read.max_weight,
            why[name],
            apart,
        )
    unit, total = _units(reward, bank)
    currency = bank.currency if reward.kind == "money" else None
    return RewardReading(reward.key, reward.title.text, unit, total, currency, valued)


def _why_no_lead(plan: PolicyCandidate, other: PolicyCandidate, apart: Floats) -> Text | None:
    """Return why the lead cannot be read; of the same choices it is known to be nought."""
    return None if np.array_equal(plan.probability, other.probability) else why_skewed(apart)


def _shown(estimate: Estimate, unread: Text | None) -> Estimate:
    return estimate if unread is None else Estimate(estimate.value, -inf, inf)


def _units(reward: Reward, bank: LoggedBank) -> tuple[Text, Text]:
    if reward.kind == "money":
        minor = bank.minor_unit
        return (
            Text(f"每位客户的{reward.title.zh}（{minor.zh}）", f"{minor.en} of {reward.title.en} per customer"),
            Text(
                f"全部检验客户的{reward.title.zh}（{minor.zh}）", f"{minor.en} of {reward.title.en}, all test customers"
            ),
        )
    return (
        Text(f"每千名客户的{reward.title.zh}", f"{reward.title.en} per {PER:,} customers"),
        Text(f"全部检验客户的{reward.title.zh}", f"{reward.title.en}, all test customers"),
    )


def _estimators(reward: Reward, logs: Logs, model: Floats, plan: PolicyCandidate) -> dict[str, Estimate]:
    scale = 1.0 if reward.kind == "money" else float(PER)
    found = {
        "ips": ips(logs, plan.probability),
        "snips": snips(logs, plan.probability),
        "dm": direct_method(logs, plan.probability, model),
    }
    return {name: value.estimate.scaled(scale) for name, value in found.items()}


def _notes(spec: PolicySpec, design: ExperimentDesign) -> tuple[Text, ...]:
    notes = [note.text for note in spec.notes] + [_DRAWN]
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
