"""One customer's values by hand of their lock are the batch's, whoever else is in the batch; and at its prices so is the choice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankloop.loop import audience, model, product, reach
from bankloop.loop.product import Rulings
from bankloop.loop.reach import Valuer
from bankloop.loop.spec import Availability, BankSpec, Lock, Quota
from tests.loop.believed import believing
from tests.loop.people import AS_OF, TYPES, bank_spec, lock_for, state
from tests.loop.test_reach import START

FEATURES = ("age", "aum", "term_maturing_60d", "tenure_days", "payroll", "days_since_risk_assessment")
NAMES = ("bind-card", "first-wealth", "keep-deposits")


def people(count: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "age": int(rng.integers(17, 80)), "aum": int(rng.lognormal(13, 3)), "payroll": bool(rng.random() < 0.7),
            "term_maturing_60d": int(rng.choice([0, 1_999_999, 2_000_000, 90_000_000])), "has_wealth": bool(rng.random() < 0.2),
            "tenure_days": int(rng.integers(1, 9_000)), "wallet_bound": bool(rng.random() < 0.3),
            "risk_tolerance": None if rng.random() < 0.3 else int(rng.integers(1, 6)),
            "days_since_risk_assessment": None if rng.random() < 0.2 else int(rng.integers(0, 800)),
            "push_allowed": bool(rng.random() < 0.6), "wecom_friend": bool(rng.random() < 0.5),
            "branch_id": f"B{int(rng.integers(1, 4)):03d}", "has_credit_card": bool(rng.random() < 0.3),
        }
        for _ in range(count)
    ]  # fmt: skip


def trained(name: str) -> model.Uplift:
    rng = np.random.default_rng(7)
    table = state(people(3_000, 99))
    x = model.feature_matrix(table, FEATURES)
    y = (rng.random(len(x)) < 1 / (1 + np.exp(1.0 - np.nan_to_num(x[:, 1]) / 9_000))).astype(float)
    found, _ = model.train_first(bank_spec().campaigns[name], model.Labelled(x, y, FEATURES, (AS_OF, AS_OF)), x, 1)
    return believing(
        found, {"debit-card-wallet|none|sms": (-0.5, 0.1), "term-deposit-renewal|none|rm_call": (-0.5, 0.2)}, 0.3
    )


MODELS = {name: trained(name) for name in NAMES}
SPEC = bank_spec()
LOCKS = {name: lock_for(SPEC.campaigns[name], SPEC) for name in NAMES}
NARROW = Availability(branches=("B001", "B002"), segments=("payroll", "young"))


def narrowed(lock: Lock) -> Lock:
    return replace(lock, products=tuple(one.narrowed(NARROW, None) for one in lock.products))


def bundled() -> Lock:
    campaign = SPEC.campaigns["first-wealth"].model_copy(update={"products": ("salary-bundle", "wealth-fixed-income")})
    return lock_for(campaign, SPEC)


def batch(lock: Lock, learned: model.Uplift, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    found = audience.select(lock, table, TYPES, AS_OF)
    members = table.take(pa.array(found.rows))
    offers = product.match(lock, members, TYPES, AS_OF)
    side = reach.candidates_of(lock, found, offers, learned, members, TYPES, AS_OF, 1, 0)
    return found.rows, reach.action_values(side)


def planned_values(valuer: Valuer, row: dict[str, Any]) -> np.ndarray:
    """The values that a plan may use: what waits at a slot for whoever comes is none of its own."""
    slots = np.array([action.delivery == reach.SLOT for action in valuer.actions], bool)
    return np.where(slots, -np.inf, valuer.values(row))


def row_of(table: pa.Table, at: int) -> dict[str, Any]:
    return {**table.slice(at, 1).to_pylist()[0], "today": AS_OF}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), name=st.sampled_from(NAMES), shelf=st.booleans())
def test_one_by_one_is_the_batch(seed: int, name: str, shelf: bool) -> None:
    lock = narrowed(LOCKS[name]) if shelf else LOCKS[name]
    table = state(people(60, seed))
    valuer = Valuer.of(lock, MODELS[name])
    rows, values = batch(lock, MODELS[name], table)
    for at, expected in zip(rows.tolist(), values, strict=True):
        mine = planned_values(valuer, row_of(table, at))
        assert (np.isfinite(mine) == np.isfinite(expected)).all()
        assert np.allclose(mine[np.isfinite(mine)], expected[np.isfinite(expected)], rtol=1e-6, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), shelf=st.booleans())
def test_rulings_of_one_are_those_of_the_batch(seed: int, shelf: bool) -> None:
    lock = narrowed(bundled()) if shelf else bundled()
    table = state(people(40, seed))
    offers = product.match(lock, table, TYPES, AS_OF)
    rulings = Rulings.of(lock)
    for at in range(table.num_rows):
        reasons = rulings.reasons(row_of(table, at))
        assert {key: reason is product.WhyNot.OPEN for key, reason in reasons.items()} == {
            key: bool(offers.open(key)[at]) for key in reasons
        }


def test_at_the_plan_s_prices_one_chooses_as_the_batch_did_before_repair() -> None:
    table = state(people(900, 5))
    sides = []
    for name, lock in LOCKS.items():
        found = audience.select(lock, table, TYPES, AS_OF)
        members = table.take(pa.array(found.rows))
        offers = product.match(lock, members, TYPES, AS_OF)
        sides.append(reach.candidates_of(lock, found, offers, MODELS[name], members, TYPES, AS_OF, 1, 0))
    joined = reach.join(sides, table, SPEC.policies, TYPES, AS_OF, 1)
    plan, _ = reach.plan_window(joined, LOCKS, SPEC.policies, START, AS_OF, 1)
    tariff, valuers = reach.tariff_of(plan), [Valuer.of(lock, MODELS[name]) for name, lock in LOCKS.items()]
    assert tariff.actions == tuple(key for one in valuers for key in one.keys)
    for row in range(0, len(joined.rows), 7):
        mine = row_of(table, int(joined.rows[row]))
        values = np.concatenate([planned_values(one, mine) for one in valuers])
        # The standard exclusions close a campaign at the gate, as the batch leaves its audience.
        values = np.where(joined.member[row, joined.column_campaign], values, -np.inf)
        pools = {"staff_minutes": mine["branch_id"]}
        answer = reach.decide(tariff, reach.TwinCustomer(values, pools, AS_OF), START, 30)
        intended = [column for column in plan.intended[row] if column != reach.NONE]
        assert answer.chosen == (tariff.actions[intended[0]] if intended else "")


def with_volumes() -> tuple[BankSpec, dict[str, Lock]]:
    """The demo bank with a volume in a campaign's file and one of the whole bank's, of whatever goes out by message."""
    title = {"zh": "额度", "en": "Volume"}
    loans = Quota.model_validate({"key": "loans", "title": title, "use": "aum * 0.125", "volume": "2000 CNY"})
    bank = Quota.model_validate(
        {"key": "sent", "title": title, "channel": "sms", "use": "tenure_days", "volume": "9000 CNY"}
    )
    plan = SPEC.policies.plan.model_copy(update={"quotas": (bank,)})
    spec = SPEC.model_copy(update={"policies": SPEC.policies.model_copy(update={"plan": plan})})
    wealth = spec.campaigns["bind-card"]
    reach_ = wealth.reach.model_copy(update={"quotas": (loans,)})
    campaigns = {**spec.campaigns, "bind-card": wealth.model_copy(update={"reach": reach_})}
    return spec, {name: lock_for(campaigns[name], spec) for name in NAMES}


def test_volumes_of_a_campaign_s_file_are_counted_priced_and_decided_alike_in_batch_and_real_time() -> None:
    spec, locks = with_volumes()
    crowd = people(900, 5)
    for one in crowd[::10]:
        one["aum"] = None
    table = state(crowd)
    sides = []
    for name, lock in locks.items():
        found = audience.select(lock, table, TYPES, AS_OF)
        members = table.take(pa.array(found.rows))
        offers = product.match(lock, members, TYPES, AS_OF)
        sides.append(reach.candidates_of(lock, found, offers, MODELS[name], members, TYPES, AS_OF, 1, 0))
    joined = reach.join(sides, table, spec.policies, TYPES, AS_OF, 1)
    plan, _ = reach.plan_window(joined, locks, spec.policies, START, AS_OF, 1)
    of = {line.name: line for line in plan.resources}
    card = np.array([action.campaign == "bind-card" for action in joined.actions])
    # In whole fen, by hand: an eighth of what the customer holds, and a yuan for each day with the bank.
    rows, columns = np.nonzero(plan.issued != reach.NONE)
    issued = plan.issued[rows, columns]
    aum, days = (
        np.array(table[name].take(pa.array(joined.rows)).to_pylist(), object) for name in ("aum", "tenure_days")
    )
    eighths = [-(-int(aum[row]) // 8) for row in rows[card[issued]]]
    texted = [int(days[row]) * 100 for row, at in zip(rows, issued, strict=True) if joined.actions[at].channel == "sms"]
    volume, sent = of["quota:bind-card/loans:volume"], of["quota:sent:volume"]
    assert 0 < sum(eighths) == volume.used <= volume.limit == 200_000
    assert 0 < sum(texted) == sent.used <= sent.limit == 900_000
    assert volume.price > 0 < sent.price
    assert (volume.unit.en, volume.title.zh) == ("fen", "额度")
    nobody_knows = np.array([one is None for one in aum])
    assert nobody_knows.any()
    assert (joined.value[nobody_knows][:, card] == -np.inf).all()
    tariff, valuers = reach.tariff_of(plan), [Valuer.of(lock, MODELS[name]) for name, lock in locks.items()]
    chosen = 0
    for row in range(len(joined.rows)):
        mine = row_of(table, int(joined.rows[row]))
        values = np.where(
            joined.member[row, joined.column_campaign],
            np.concatenate([planned_values(one, mine) for one in valuers]),
            -np.inf,
        )
        told = [one.uses(mine) for one in valuers]
        uses = {
            name: np.concatenate([one.get(name, np.zeros(len(by.keys))) for one, by in zip(told, valuers, strict=True)])
            for name in ("quota:bind-card/loans:volume", "quota:sent:volume")
        }
        for family in plan.problem.families:
            if family.use.ndim == 2:
                open_ = np.isfinite(values)
                assert (uses[family.name][open_] == family.use[row][open_]).all()
        answer = reach.decide(
            tariff, reach.TwinCustomer(values, {"staff_minutes": mine["branch_id"]}, AS_OF, uses), START, 30
        )
        intended = [column for column in plan.intended[row] if column != reach.NONE]
        assert answer.chosen == (tariff.actions[intended[0]] if intended else "")
        chosen += bool(intended)
    assert chosen > 50


def test_what_others_hold_changes_nobody_s_score() -> None:
    poor = {"aum": 50_000, "term_maturing_60d": 2_000_000, "payroll": True}
    alone, crowd = state([poor]), state([poor, {"aum": 9_000_000_000}])
    one, many = (model.feature_matrix(table, FEATURES)[0] for table in (alone, crowd))
    assert np.array_equal(one, many, equal_nan=True)
    assert np.array_equal(model.feature_row(row_of(alone, 0), FEATURES), one, equal_nan=True)
    assert Valuer.of(LOCKS["first-wealth"], MODELS["first-wealth"]).values(
        {**row_of(alone, 0), "today": AS_OF + timedelta(days=0)}
    ).shape == (len(reach.actions_of(LOCKS["first-wealth"])),)


@pytest.mark.parametrize("missing", ["audience", "unknown"])
def test_who_is_not_meant_has_everything_closed(missing: str) -> None:
    table = state([{"payroll": False}]) if missing == "audience" else state([{"payroll": True, "aum": None}])
    values = Valuer.of(LOCKS["first-wealth"], MODELS["first-wealth"]).values(row_of(table, 0))
    assert not np.isfinite(values).any()
