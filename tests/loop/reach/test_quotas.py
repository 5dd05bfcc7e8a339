"""Quotas, several campaigns a customer, exclusions and prerequisites: from the bank's files into the plan, and into the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bankloop.kit.errors import ExpressionError, InputError, SpecError
from bankloop.loop import reach
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.reach import NONE, DatedPlan, ExperimentCell, Side
from bankloop.loop.spec import Lock, Policies, Quota, read_bank_spec
from bankloop.loop.spec.contracts import PlanPolicy
from bankloop.organization.principals import maker, reviewers, system
from bankloop.report.keeping import load_window_view, save_window
from bankloop.report.plan import plan_page, resource_table
from bankloop.report.what_if import what_if
from bankloop.store.history import read_decisions
from tests.loop.people import AS_OF, BANK, TYPES, bank_spec, lock_of
from tests.loop.test_reach import START, planned
from tests.loop.test_shelf import copied

LABEL = {"zh": "配额", "en": "Quota"}
BASE, _ = planned(1_200)


def two(names: tuple[str, ...] = ("one", "two")) -> tuple[reach.Candidates, dict[str, Lock]]:
    """Two campaigns over the same customers, the second worth a little less."""
    found = BASE.candidates
    lock = lock_of("keep-deposits")
    locks = {name: replace(lock, campaign=lock.campaign.model_copy(update={"campaign": name})) for name in names}
    side = found.campaigns[0]
    sides = tuple(
        replace(side, campaign=name, actions=tuple(replace(a, campaign=name) for a in side.actions)) for name in names
    )
    times = len(names)
    value = np.hstack([found.value * (1.0 - 0.1 * number) for number in range(times)])
    return replace(
        found, campaigns=sides, actions=tuple(a for one in sides for a in one.actions), value=value,
        column_campaign=np.repeat(np.arange(times), len(side.actions)), uplift=np.hstack([found.uplift] * times),
        base=np.hstack([found.base] * times), control=np.repeat(found.control, times, axis=1),
        member=np.repeat(found.member, times, axis=1),
        segments={"rich": np.arange(len(found.rows)) % 3 == 0}, managers=np.full(len(found.branches), 30.0),
    ), locks  # fmt: skip


CANDIDATES, LOCKS = two()


def plan_with(**fields: Any) -> DatedPlan:
    quotas = tuple(Quota.model_validate({"title": LABEL, **one}) for one in fields.pop("quotas", ()))
    plan = PlanPolicy(window=30, quotas=quotas, **fields)
    return reach.plan_window(
        CANDIDATES, LOCKS, bank_spec().policies.model_copy(update={"plan": plan}), START, AS_OF, 1
    )[0]


def customers(plan: DatedPlan, mask: np.ndarray, campaign: int | None = None) -> int:
    issued = plan.issued if campaign is None else plan.issued[:, [campaign]]
    return int((issued[mask] != NONE).sum())


@pytest.mark.parametrize(
    ("quota", "mask"),
    [
        ({"key": "aa", "segment": "rich", "at_most": 40}, CANDIDATES.segments["rich"]),
        ({"key": "aa", "branch": "B001", "at_most": 25}, CANDIDATES.branch == CANDIDATES.branches.index("B001")),
        ({"key": "aa", "at_most": 60}, np.ones(len(CANDIDATES.rows), bool)),
    ],
)
def test_a_ceiling_holds_with_explore_counted(quota: Mapping[str, Any], mask: np.ndarray) -> None:
    free, held = plan_with(), plan_with(quotas=[quota])
    assert customers(free, mask) > quota["at_most"] >= customers(held, mask)
    line = next(one for one in held.resources if one.name == "quota:aa")
    assert line.used == customers(held, mask)
    assert held.conflict == ()


def test_each_branch_has_its_own_money_and_minutes() -> None:
    plan = plan_with(quotas=[{"key": "own", "each_branch": True, "budget": "300 CNY", "minutes": 60}])
    cost = np.array([a.contact_cost + a.reserved for a in CANDIDATES.actions])
    minutes = np.array([a.minutes if a.staff else 0 for a in CANDIDATES.actions])
    for branch in range(len(CANDIDATES.branches)):
        chosen = plan.issued[CANDIDATES.branch == branch]
        assert cost[chosen[chosen != NONE]].sum() <= 30_000 + 1e-6
        assert minutes[chosen[chosen != NONE]].sum() <= 60
    assert {line.name for line in plan.resources} >= {"quota:own:money:B001", "quota:own:minutes:B002"}


def test_a_floor_lifts_what_would_not_pay_and_says_what_it_costs() -> None:
    free = plan_with(quotas=[{"key": "second", "campaign": "two", "at_most": 10_000}])
    held = plan_with(quotas=[{"key": "second", "campaign": "two", "at_least": 50}])
    everybody = np.ones(len(CANDIDATES.rows), bool)
    assert customers(free, everybody, 1) < 50 <= customers(held, everybody, 1)
    assert held.value < free.value
    line = next(one for one in held.resources if one.name == "quota:second")
    assert (line.floor, line.short) == (50.0, 0.0)
    assert line.price < 0
    assert held.conflict == ()


def test_floors_that_cannot_be_are_named_and_the_nearest_plan_returned() -> None:
    plan = plan_with(quotas=[{"key": "many", "segment": "rich", "at_least": 100_000}, {"key": "few", "at_most": 100}])
    assert [(bound.name, bound.side) for bound in plan.conflict] == [("quota:many", Side.FLOOR)]
    both = plan_with(quotas=[{"key": "many", "at_least": 90}, {"key": "few", "channel": "sms", "at_most": 5},
                             {"key": "none", "channel": "wecom", "at_most": 5}, {"key": "calls", "channel": "rm_call", "at_most": 5}])  # fmt: skip
    named = {bound.name for bound in both.conflict}
    assert named == {"quota:many", "quota:few", "quota:calls"}  # nobody is on WeCom here
    line = next(one for one in both.resources if one.name == "quota:many")
    assert line.short > 0
    for key in ("few", "none", "calls"):
        one = next(r for r in both.resources if r.name == f"quota:{key}")
        assert one.used <= one.limit


PAIRS = st.sampled_from([(), (("one", "two"),)])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(most=st.integers(1, 2), exclude=PAIRS, require=PAIRS, ceiling=st.none() | st.integers(0, 400))
def test_one_customer_gets_what_the_policies_allow(
    most: int, exclude: tuple[tuple[str, str], ...], require: tuple[tuple[str, str], ...], ceiling: int | None
) -> None:
    quotas = [] if ceiling is None else [{"key": "cc", "campaign": "two", "at_most": ceiling}]
    if require and most < 2:
        with pytest.raises(ValidationError, match="per_customer: 2"):
            plan_with(per_customer=most, require=require, quotas=quotas)
        return
    plan = plan_with(per_customer=most, exclude=exclude, require=require, quotas=quotas)
    has = plan.issued != NONE
    planned_for = CANDIDATES.cell != ExperimentCell.EXPLORE.value
    assert has.sum(axis=1).max() <= most
    if exclude:
        assert not has.all(axis=1).any()
    if require:
        assert not (has[planned_for, 0] & ~has[planned_for, 1]).any()
    for line in plan.resources:
        assert line.used <= line.limit + 1e-6, line.name
    assert plan.solution.objective <= plan.solution.bound + 1e-6


def test_two_a_customer_are_worth_more_than_one() -> None:
    one, both = plan_with(), plan_with(per_customer=2)
    assert both.value > one.value
    assert (both.issued != NONE).all(axis=1).any()


def test_what_needs_a_campaign_that_does_not_run_waits() -> None:
    locks = {"one": LOCKS["one"]}
    found, _ = two(("one",))
    policies = bank_spec().policies.model_copy(
        update={"plan": PlanPolicy(window=30, per_customer=2, require=(("one", "absent"),))}
    )
    plan, _ = reach.plan_window(found, locks, policies, START, AS_OF, 1)
    assert (plan.issued[found.cell != ExperimentCell.EXPLORE.value] == NONE).all()


def test_floors_and_several_together_are_refused_with_the_cure() -> None:
    with pytest.raises(InputError, match="per_customer to 1"):
        plan_with(per_customer=2, quotas=[{"key": "aa", "at_least": 1}])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("  quotas: [{key: qq, title: {zh: a, en: a}, campaign: bind-crd, at_most: 5}]", "bind-card"),
        ("  quotas: [{key: qq, title: {zh: a, en: a}, segment: payrol, at_most: 5}]", "payroll"),
        ("  quotas: [{key: qq, title: {zh: a, en: a}, at_most: 1.5}]", "whole number"),
        ("  quotas: [{key: qq, title: {zh: a, en: a}, at_most: -1}]", "at least 0"),
        ("  quotas: [{key: qq, title: {zh: a, en: a}}]", "needs at_least, at_most"),
        ("  quotas: [{key: qq, title: {zh: a, en: a}, volume: 5 CNY}]", "volume and use go together"),
        (
            "  quotas: [{key: qq, title: {zh: a, en: a}, use: aum}]",
            "needs at_least, at_most, budget, minutes or volume",
        ),
        ("  quotas: [{key: qq, title: {zh: a, en: a}, volume: -5 CNY, use: aum}]", "at least 0"),
        ("  quotas: [{key: qq, title: {zh: a, en: a}, volume: 5 CNY, use: payroll}]", "write an expression in yuan"),
        ("  quotas: [{key: qq, title: {zh: a, en: a}, volume: 5 CNY, use: auum}]", "aum"),
        ("  per_customer: 2\n  exclude: [[bind-card, frist-wealth]]", "first-wealth"),
    ],
)
def test_a_quota_that_cannot_be_names_its_line(tmp_path: Any, wrong: str, said: str) -> None:
    folder = copied(tmp_path)
    policies = folder / "policies.yaml"
    policies.write_text(
        policies.read_text(encoding="utf-8").replace("plan:\n", f"plan:\n{wrong}\n", 1), encoding="utf-8"
    )
    with pytest.raises((SpecError, ExpressionError), match=said) as refused:
        read_bank_spec(folder, TYPES)
    assert "policies.yaml" in refused.value.message.en
    assert BANK.is_dir()


def test_a_plan_with_quotas_is_the_run_and_its_page(bank: Bank) -> None:
    """What the policies say goes through the lock into the plan, the decisions and the page: plan equals run."""
    quotas = (
        Quota.model_validate({"key": "payroll-few", "title": LABEL, "segment": "payroll", "at_most": 60}),
        Quota.model_validate({"key": "branch-money", "title": LABEL, "each_branch": True, "budget": "800 CNY"}),
    )
    plan = PlanPolicy(window=30, per_customer=2, exclude=(), quotas=quotas)
    policies: Policies = bank.spec.policies.model_copy(update={"plan": plan})
    vars(bank)["spec"] = bank.spec.model_copy(update={"policies": policies})
    for name in ("bind-card", "first-wealth"):
        submit(bank, maker(), name)
        approve_in_turn(bank, reviewers(), name)
    window = loop.plan(bank, system(), 1, bank.lake.today())
    again = loop.plan(bank, system(), 1, bank.lake.today())
    assert again.plan.digest == window.plan.digest
    loop.run(bank, system(), 1, bank.lake.today(), prepared=window)
    for name in window.locks:
        with bank.store.begin(system()) as connection:
            rows = read_decisions(connection, [name], 1, columns=("customer_no", "issued_action")).to_pylist()
        stored = {row["customer_no"]: row["issued_action"] or "" for row in rows}
        meant = dict(
            zip(window.plan.candidates.customer_no.to_pylist(), window.plan.chosen(name).tolist(), strict=True)
        )
        assert stored == {number: meant[number] for number in stored}
    payroll = window.plan.candidates.segments["payroll"]
    assert customers(window.plan, payroll) <= 60
    save_window(window, bank.folder)
    kept = load_window_view(bank.folder, window.plan.plan_id)
    assert kept.rules == window.plan.rules
    assert len(resource_table(kept).rows) == len(window.plan.resources)
    assert "Quota" in [row[0].text.en for row in plan_page(kept).resources.rows]
    answer = what_if(kept, "quota:payroll-few", 20)
    assert answer.before == 60
    assert what_if(kept, "quota:branch-money:money", 10_000.0).table.rows
