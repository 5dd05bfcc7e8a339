"""Step 6: cells, the lot, the schedule, quiet hours, and decisions that happen once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from bankloop.contact.contracts import CONTACT_SCHEMA
from bankloop.contact.gate import reserve_contacts
from bankloop.contact.queries import contacts_of
from bankloop.kit.errors import InputError
from bankloop.loop import audience, model, product, reach
from bankloop.loop.reach import ExperimentCell, LeftOut, planning
from bankloop.loop.reach.assignment import glimpse
from bankloop.organization.principals import system
from bankloop.store.database import Store
from tests.loop.people import AS_OF, TYPES, bank_spec, lock_of, state

START = date(2026, 8, 24)
ZONE = "Asia/Shanghai"


def planned(customers: int = 4_000, seed: int = 1, **policies: object) -> tuple[reach.DatedPlan, reach.Lot]:
    rng = np.random.default_rng(seed)
    people = [
        {"term_maturing_60d": int(v), "tenure_days": int(t), "branch_id": f"B{b:03d}"}
        for v, t, b in zip(
            rng.lognormal(15.5, 1, customers) + 2_000_000, rng.integers(30, 3000, customers), rng.integers(1, 4, customers), strict=True
        )
    ]  # fmt: skip
    table = state(people)
    lock = lock_of("keep-deposits")
    names = ("tenure_days", "term_maturing_60d")
    x = model.feature_matrix(table, names)
    y = (rng.random(customers) < 1 / (1 + np.exp(-x[:, 0] / 1500))).astype(float)
    trained, _ = model.train_first(lock.campaign, model.Labelled(x, y, names, (AS_OF, AS_OF)), x, seed)
    found = audience.select(lock, table, TYPES, AS_OF)
    members = table.take(pa.array(found.rows))
    offers = product.match(lock, members, TYPES, AS_OF)
    side = reach.candidates_of(lock, found, offers, trained, members, TYPES, AS_OF, 1, 250_000)
    rules = bank_spec().policies.model_copy(update=policies)
    joined = reach.join([side], table, rules, TYPES, AS_OF, 1)
    return reach.plan_window(joined, {"keep-deposits": lock}, rules, START, AS_OF, seed)


@pytest.fixture(scope="module")
def plan_and_lot() -> tuple[reach.DatedPlan, reach.Lot]:
    return planned()


def test_cells_are_sticky_and_near_their_shares(plan_and_lot: tuple[reach.DatedPlan, reach.Lot]) -> None:
    found = plan_and_lot[0].candidates
    numbers = found.customer_no.to_pylist()
    again = reach.draw_cells(numbers, AS_OF, 1, 50_000, 50_000, np.zeros(len(numbers), bool))
    assert (again == found.cell).all()
    share = (found.cell == ExperimentCell.HOLDOUT.value).mean()
    assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / len(numbers))
    backwards = reach.draw_control(numbers[::-1], "keep-deposits", 1, 250_000)[::-1]
    assert (backwards == found.control[:, 0]).all()


def test_holdout_and_control_get_nothing_and_have_ghosts(plan_and_lot: tuple[reach.DatedPlan, reach.Lot]) -> None:
    plan = plan_and_lot[0]
    apart = (plan.candidates.cell == ExperimentCell.HOLDOUT.value) | plan.candidates.control[:, 0]
    assert (plan.issued[apart] == reach.NONE).all()
    assert (plan.intended[apart] != reach.NONE).any()


def test_ghosts_are_as_frequent_in_control_as_in_treatment(plan_and_lot: tuple[reach.DatedPlan, reach.Lot]) -> None:
    plan = plan_and_lot[0]
    control = plan.candidates.control[:, 0]
    meant = plan.intended != reach.NONE
    a, b = meant[control].mean(), meant[~control].mean()
    se = np.sqrt(meant.mean() * (1 - meant.mean()) * (1 / control.sum() + 1 / (~control).sum()))
    assert abs(a - b) < 4 * max(se, 1e-9)


def test_why_not_covers_everybody_once(plan_and_lot: tuple[reach.DatedPlan, reach.Lot]) -> None:
    plan = plan_and_lot[0]
    counts = reach.left_out_counts(plan, 0)
    assert sum(counts.values()) == len(plan.candidates.rows)
    assert counts[LeftOut.REACHED] == int((plan.issued != reach.NONE).sum())
    assert counts[LeftOut.CONTROL] > 0


def test_no_resource_is_overrun_with_explore_counted(plan_and_lot: tuple[reach.DatedPlan, reach.Lot]) -> None:
    for line in plan_and_lot[0].resources:
        assert line.used <= line.limit + 1e-6, line.name


def test_the_lot_draws_with_the_probability_it_states() -> None:
    drawn: list[np.ndarray] = []
    stated = None
    plan, _ = planned(1_500, 1)
    for seed in range(60):
        again = reach.draw_lot(plan.candidates, plan.problem.families, 0.05, seed)
        stated = again.marginal if stated is None else stated
        assert np.allclose(again.marginal, stated)
        assert again.marginal.sum(axis=1) == pytest.approx(1.0)
        onehot = np.zeros_like(stated)
        onehot[
            np.arange(len(again.choice)), np.where(again.choice == reach.NONE, stated.shape[1] - 1, again.choice)
        ] = 1
        drawn.append(onehot)
    frequency, expected = np.mean(drawn, axis=(0, 1)), stated.mean(axis=0)  # type: ignore[union-attr]
    se = np.sqrt(np.maximum(expected * (1 - expected), 1e-9) / (len(drawn) * len(stated)))  # type: ignore[arg-type]
    assert (np.abs(frequency - expected) < 5 * se + 1e-9).all()


def test_the_plan_is_the_same_again(plan_and_lot: tuple[reach.DatedPlan, reach.Lot]) -> None:
    again, _ = planned()
    assert again.digest == plan_and_lot[0].digest
    assert again.plan_id == plan_and_lot[0].plan_id


def test_a_customer_who_is_there_twice_is_not_planned_for(plan_and_lot: tuple[reach.DatedPlan, reach.Lot]) -> None:
    found = plan_and_lot[0].candidates
    numbers = found.customer_no.to_pylist()
    doubled = replace(found, customer_no=pa.array([numbers[1], *numbers[1:]]))
    with pytest.raises(InputError, match="1 rows repeat a customer"):
        reach.plan_window(doubled, {"keep-deposits": lock_of("keep-deposits")}, bank_spec().policies, START, AS_OF, 1)


def test_a_glimpse_has_the_prices_of_the_whole() -> None:
    rng = np.random.default_rng(1)
    families = (reach.Family("budget", np.array([1.0, 2.0]), np.array([20_000.0])),)
    problem = reach.Problem(rng.lognormal(3, 1, (60_000, 2)), families)
    some = glimpse(problem, 20_000)
    assert 18_000 < len(some.value) < 22_000
    assert reach.solve(some).price[0] == pytest.approx(reach.solve(problem).price[0], rel=0.05)
    assert glimpse(some, 30_000) is some


def test_a_curve_read_off_a_share_of_the_plan_runs_along_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    ample, _ = planned(12_000, 2)
    index = next(i for i, family in enumerate(ample.problem.families) if family.group is None)
    name, used = ample.problem.families[index].name, float(ample.solution.used[index][0])
    scarce = reach.with_limit(ample.problem, index, 0.4 * used / float(ample.problem.families[index].limit[0]))
    plan = replace(ample, problem=scarce, solution=reach.assign(scarce, ample.rules), share=None)
    whole = reach.budget_curve(reach.share_of(plan), name, (0.5, 1.0, 2.0))
    monkeypatch.setattr(planning, "RANGE_CUSTOMERS", 3_000)
    read = reach.budget_curve(reach.share_of(plan), name, (0.5, 1.0, 2.0))
    assert [limit for limit, _, _ in read] == [limit for limit, _, _ in whole]
    assert read[1][1] == pytest.approx(plan.solution.objective, rel=1e-9)
    for (_, value, price), (_, true, paid) in zip(read, whole, strict=True):
        assert value == pytest.approx(true, rel=0.05)
        assert price == pytest.approx(paid, rel=0.25, abs=0.05)


def test_a_message_due_at_21_30_goes_at_09_00_the_next_day_and_once(store: Store, allow: Callable[..., None]) -> None:
    allow(["C1"])
    due = datetime(2026, 8, 24, 21, 30, tzinfo=ZoneInfo(ZONE))
    moved = reach.deferred(due, bank_spec().policies)
    assert moved == datetime(2026, 8, 25, 9, 0, tzinfo=ZoneInfo(ZONE))
    assert reach.deferred(moved, bank_spec().policies) == moved
    assert reach.deferred(datetime(2026, 8, 25, 3, 0, tzinfo=ZoneInfo(ZONE)), bank_spec().policies) == moved
    contact = pa.Table.from_pylist(
        [{"decision_id": "00000000-0000-7000-8000-000000000001", "customer_no": "C1", "unit_id": "B001", "channel": "sms",
          "campaign": "x", "contact_class": "marketing", "due_at": moved}], schema=CONTACT_SCHEMA)  # fmt: skip
    for attempt in range(2):
        with store.begin(system()) as connection:
            outcome = reserve_contacts(connection, contact, *reach.gate_limits(bank_spec().policies))
            assert outcome["accepted"].to_pylist() == [True]
            assert outcome["new"].to_pylist() == [attempt == 0]
    with store.begin(system()) as connection:
        assert len(contacts_of(connection, "C1")) == 1


def test_the_71st_call_of_a_day_is_not_assigned_and_says_why(store: Store, allow: Callable[..., None]) -> None:
    allow(f"C{i}" for i in range(71))
    policies = bank_spec().policies
    due = reach.schedule(["rm_call"] * 71, [float(71 - i) for i in range(71)], policies, [START], ZONE)
    assert sum(d is not None for d in due) == 70
    assert due[70] is None
    rows = [
        {"decision_id": f"00000000-0000-7000-8000-{i:012d}", "customer_no": f"C{i}", "unit_id": "B001", "channel": "rm_call",
         "campaign": "x", "contact_class": "marketing", "due_at": datetime(2026, 8, 24, 1, 0, 0, i, tzinfo=ZoneInfo("UTC"))}
        for i in range(71)
    ]  # fmt: skip
    with store.begin(system()) as connection:
        outcome = reserve_contacts(
            connection, pa.Table.from_pylist(rows, schema=CONTACT_SCHEMA), *reach.gate_limits(policies)
        )
    assert outcome["accepted"].to_pylist() == [True] * 70 + [False]
    assert outcome["refused_by"][70].as_py() == "capacity:rm_call:*"


def test_people_work_on_working_days_and_within_call_hours() -> None:
    policies = bank_spec().policies
    days = reach.window_days(date(2026, 8, 28), 4)  # Friday to Monday
    due = reach.schedule(["rm_call"] * 140 + ["sms"], [1.0] * 141, policies, days, ZONE)
    called = {d.day for d in due[:140] if d is not None}
    assert called == {date(2026, 8, 28), date(2026, 8, 31)}
    assert all(d is not None and d.moment.astimezone(ZoneInfo(ZONE)).hour == 9 for d in due)
