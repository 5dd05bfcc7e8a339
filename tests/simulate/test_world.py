"""The truth: lifts as the parameter table has them, coupled outcomes, staff that do not always do what they say."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bankloop.kit.errors import NotFoundError
from bankloop.simulate.contracts import EVENT_SCHEMA, RESPONSE_SCHEMA, SimulatedBank
from bankloop.simulate.lookup import number_rows
from bankloop.simulate.parameters import read_parameters
from bankloop.simulate.world import World

BIND, WEALTH, KEEP = "bind-card", "first-wealth", "keep-deposits"
START = date(2026, 11, 22)
COUPON_10, COUPON_20 = "debit-card-wallet|coupon-10|sms", "debit-card-wallet|coupon-20|sms"
CALL = "term-deposit-renewal|none|rm_call"


def counted(world: World, campaign: str) -> np.ndarray:
    """Return which of a population the parameter file's means are over."""
    rows = number_rows(world.population(campaign))
    return np.asarray(world.customers()["contactable"].to_numpy()[rows])


def everyone(world: World, campaign: str, action: str) -> tuple[pa.Array, list[str]]:
    population = world.population(campaign)
    return population, [action] * len(population)


def test_bind_card_base_and_lifts_are_the_tables(world: World) -> None:
    lifts = read_parameters().table("bind-card.lifts")
    probability = world.probabilities(BIND, world.population(BIND), list(lifts))
    over = counted(world, BIND)
    assert probability[over, 0].mean() == pytest.approx(0.040, abs=1e-6)
    for column, (key, lift) in enumerate(lifts.items(), start=1):
        change = (probability[:, column] - probability[:, 0])[over]
        assert change[change != 0].mean() == pytest.approx(lift / 100, rel=1e-3), key


def test_types_have_their_shares_and_dogs_are_hurt(world: World) -> None:
    over = counted(world, BIND)
    types = world.types(BIND, world.population(BIND))
    for name, share in read_parameters().table("response.types").items():
        assert abs(float((types[over] == name).mean()) - share) < 2 / over.sum()
    probability = world.probabilities(BIND, world.population(BIND), [COUPON_10])
    change = probability[:, 1] - probability[:, 0]
    assert (change[types == "dog"] <= 0).all()
    assert (change[types != "dog"] >= 0).all()
    assert change[over & (types == "persuadable")].sum() > 0.8 * change[over].sum()


def test_what_the_bank_sees_tells_something_about_the_truth(world: World) -> None:
    rows = number_rows(world.population(BIND))
    digital = world.customers()["digital"].to_numpy()[rows]
    persuadable = world.types(BIND, world.population(BIND)) == "persuadable"
    upper = digital > np.median(digital)
    assert persuadable[upper].mean() > 1.3 * persuadable[~upper].mean()


def test_keep_deposits_has_two_kinds_of_customers(world: World) -> None:
    population = world.population(KEEP)
    probability = world.probabilities(KEEP, population, [CALL])
    lazy = world.types(KEEP, population) == "dog"
    assert probability[lazy, 0].mean() == pytest.approx(0.90, abs=1e-3)
    assert probability[~lazy, 0].mean() == pytest.approx(0.62, abs=1e-3)
    units = world.customers()["unit_row"].to_numpy()[number_rows(population)]
    reach = world.execution()["execution"].to_numpy()[units] * 0.60
    when_reached = (probability[:, 1] - probability[:, 0]) / reach
    called = when_reached != 0
    # The means are over all customers, of whom nearly all have a manager: within four standard errors of those who do.
    for group, lift in ((lazy & called, -0.03), (~lazy & called, 0.09)):
        error = when_reached[group].std() / group.sum() ** 0.5
        assert abs(when_reached[group].mean() - lift) < 4 * error


def test_money_of_a_success(world: World) -> None:
    bind = world.success_value(BIND, world.population(BIND))
    assert bind["contribution_fen"].to_numpy()[counted(world, BIND)].mean() == pytest.approx(4500, rel=1e-3)
    keep = world.success_value(KEEP, world.population(KEEP))
    assert keep["contribution_fen"].to_numpy().mean() == pytest.approx(90_700, rel=1e-3)
    wealth = world.success_value(WEALTH, world.population(WEALTH))
    amount, new, displaced = (wealth[name].to_numpy() for name in ("amount_fen", "new_money_fen", "displaced_fen"))
    assert (abs(amount - new - displaced) <= 1).all()
    assert (amount >= 100_000).all()
    naive, net = wealth["attributed_fen"].to_numpy(), wealth["contribution_fen"].to_numpy()
    assert naive.sum() > 2 * net.sum()
    assert (net < 0).mean() > 0.05  # a purchase out of our own deposits can be worth less than nothing


def test_wealth_products_move_only_who_may_buy_them(world: World) -> None:
    keys = ["wealth-fixed-income|none|sms", "risk-assessment|none|sms"]
    probability = world.probabilities(WEALTH, world.population(WEALTH), keys)
    change = probability[:, 1:] - probability[:, :1]
    assert not ((change[:, 0] != 0) & (change[:, 1] != 0)).any()
    assert (change != 0).any(axis=0).all()


def test_outcomes_are_coupled_and_do_not_depend_on_company(world: World) -> None:
    population, ten = everyone(world, BIND, COUPON_10)
    less = world.respond(BIND, 1, START, population, ten).table["success"].to_numpy()
    more = world.respond(BIND, 1, START, population, [COUPON_20] * len(population)).table["success"].to_numpy()
    nothing = world.respond(BIND, 1, START, population, [""] * len(population)).table["success"].to_numpy()
    gains = world.types(BIND, population) != "dog"
    assert (more[gains] >= less[gains]).all()
    assert (less[gains] >= nothing[gains]).all()
    assert (less[~gains] <= nothing[~gains]).all()
    order = np.random.default_rng(1).permutation(len(population))[:500]
    some = world.respond(BIND, 1, START, population.take(pa.array(order)), [COUPON_10] * 500)
    assert (some.table["success"].to_numpy() == less[order]).all()
    again = world.respond(BIND, 2, START, population, ten).table["success"].to_numpy()
    assert (again != less).any()


@pytest.mark.parametrize(
    ("campaign", "action"), [(BIND, COUPON_10), (KEEP, CALL), (WEALTH, "wealth-fixed-income|none|wecom")]
)
def test_people_respond_as_often_as_the_truth_says(world: World, campaign: str, action: str) -> None:
    population, actions = everyone(world, campaign, action)
    probability = world.probabilities(campaign, population, [action])[:, 1]
    rounds = [world.respond(campaign, number, START, population, actions).successes for number in range(1, 9)]
    wanted, spread = probability.sum(), (probability * (1 - probability)).sum() ** 0.5
    assert abs(np.mean(rounds) - wanted) < 4 * spread / len(rounds) ** 0.5


def test_staff_execute_log_and_call_by_hand(world: World) -> None:
    population, calls = everyone(world, KEEP, CALL)
    rows = number_rows(population)
    rates = world.execution()
    units = world.customers()["unit_row"].to_numpy()[rows]
    tables = [world.respond(KEEP, number, START, population, calls).table for number in range(1, 21)]
    executed = np.mean([table["executed"].to_numpy().mean() for table in tables])
    wanted = rates["execution"].to_numpy()[units]
    error = (wanted * (1 - wanted)).sum() ** 0.5 / len(rows) / len(tables) ** 0.5
    assert abs(executed - wanted.mean()) < 4 * error
    logged = np.concatenate([table["logged_done"].to_numpy() for table in tables])
    done = np.concatenate([table["executed"].to_numpy() for table in tables])
    false = (logged & ~done).sum() / logged.sum()
    assert (logged >= done).all()
    assert 0.03 < false < 0.16
    left = [world.respond(KEEP, number, START, population, [None] * len(rows)).table for number in range(1, 21)]
    by_hand = np.mean([table["by_hand"].to_numpy().mean() for table in left])
    rate = rates["by_hand"].to_numpy()[units] * world.customers()["managed"].to_numpy()[rows]
    assert abs(by_hand - rate.mean()) < 4 * (rate * (1 - rate)).sum() ** 0.5 / len(rows) / len(left) ** 0.5


def test_true_lift_is_the_mean_change_and_knows_the_contaminated_control(world: World) -> None:
    population, calls = everyone(world, KEEP, CALL)
    probability = world.probabilities(KEEP, population, [CALL])
    truth = world.true_lift(KEEP, population, calls)
    assert truth.lift == pytest.approx((probability[:, 1] - probability[:, 0]).mean())
    assert truth.lift_as_run < truth.lift
    assert truth.cost_fen == 1200 * len(population)
    value = world.value_of(KEEP, population, [CALL])
    assert truth.value_fen == pytest.approx(value[:, 1].sum(), abs=1)
    nobody = world.true_lift(KEEP, population, [""] * len(population))
    assert (nobody.lift, nobody.lift_as_run, nobody.value_fen, nobody.cost_fen) == (0.0, 0.0, 0, 0)


def test_a_measured_difference_estimates_the_lift_as_run(world: World) -> None:
    population, calls = everyone(world, KEEP, CALL)
    called, left = [], []
    for number in range(1, 41):
        called.append(world.respond(KEEP, number, START, population, calls).successes)
        left.append(world.respond(KEEP, number, START, population, [""] * len(population)).successes)
    difference = (np.array(called) - np.array(left)) / len(population)
    truth = world.true_lift(KEEP, population, calls).lift_as_run
    assert abs(difference.mean() - truth) < 4 * difference.std() / len(difference) ** 0.5


def test_the_festival_halves_responses_and_lowers_connections(world: World) -> None:
    population = world.population(KEEP)
    usual = world.probabilities(KEEP, population, [CALL], START)
    festive = world.probabilities(KEEP, population, [CALL], date(2027, 2, 8))
    ratio = (festive[:, 1] - festive[:, 0]).sum() / (usual[:, 1] - usual[:, 0]).sum()
    assert ratio == pytest.approx(0.5 * 0.6)


def test_responses_become_events(world: World) -> None:
    population, actions = everyone(world, BIND, COUPON_10)
    response = world.respond(BIND, 1, START, population, actions)
    assert response.table.schema.equals(RESPONSE_SCHEMA)
    assert response.events.schema.equals(EVENT_SCHEMA)
    assert len(set(response.events["event_id"].to_pylist())) == response.events.num_rows
    assert response.events.equals(world.respond(BIND, 1, START, population, actions).events)
    goals = response.events.filter(pc.equal(response.events["type"], "first_wallet_payment"))
    assert goals.num_rows == response.successes > 0
    days = {moment.date() for moment in goals["occurred_at"].to_pylist()}
    assert date(2026, 11, 22) <= min(days) <= max(days) <= date(2026, 12, 22)
    paid = response.table.filter(response.table["success"])
    assert (paid["cost_fen"].to_numpy() >= 1000).all()


def test_each_customer_may_be_contacted_on_another_day(world: World) -> None:
    population, actions = everyone(world, BIND, COUPON_10)
    days = np.datetime64("2026-11-22") + np.arange(len(population)) % 7
    table = world.respond(BIND, 1, days, population, actions).table
    assert (table["contacted_on"].to_numpy() == days).all()


def test_another_sub_branch_may_do_the_calls(world: World) -> None:
    population, calls = everyone(world, KEEP, CALL)
    rates = world.execution()
    best = rates["unit_id"][int(np.argmax(rates["execution"].to_numpy()))].as_py()
    response = world.respond(KEEP, 1, START, population, calls, executed_by=[best] * len(population))
    own = world.respond(KEEP, 1, START, population, calls)
    assert pc.sum(response.table["executed"]).as_py() > pc.sum(own.table["executed"]).as_py()
    with pytest.raises(NotFoundError, match=r"simulate\.no_unit"):
        world.respond(KEEP, 1, START, population[:1], calls[:1], executed_by=["S9999"])


def test_outside_the_population_nothing_happens(world: World, bank: SimulatedBank) -> None:
    inside = set(world.population(KEEP).to_pylist())
    other = next(f"C{n:08d}" for n in range(1, bank.customers) if f"C{n:08d}" not in inside)
    assert (world.probabilities(KEEP, [other], [CALL]) == 0).all()
    assert world.types(KEEP, [other]).tolist() == [""]
    assert world.respond(KEEP, 1, START, [other], [CALL]).successes == 0
    assert world.respond(KEEP, 1, START, [], []).events.num_rows == 0


def test_private_banking_is_flagged(world: World, bank: SimulatedBank) -> None:
    assert pc.sum(world.customers()["private_banking"]).as_py() == round(0.00015 * bank.customers)


def test_what_does_not_exist_is_named(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(NotFoundError, match=r"simulate\.no_campaign"):
        world.population("bind-cart")
    with pytest.raises(NotFoundError, match=r"simulate\.no_action"):
        world.probabilities(BIND, world.population(BIND)[:3], ["debit-card-wallet|coupon-50|sms"])
    with pytest.raises(NotFoundError, match=r"simulate\.no_customer"):
        world.probabilities(BIND, ["X1"], [COUPON_10])
    with pytest.raises(NotFoundError, match=r"simulate\.no_truth"):
        World.load(tmp_path_factory.mktemp("empty"))
