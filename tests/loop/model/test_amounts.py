"""The amount of a success: expected money on the scale of money, alike for one customer and the batch, from approval to reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from bankloop.kit.errors import ConflictError
from bankloop.loop import model
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import approve_in_turn, submit
from bankloop.loop.learning.amounts import draft_amount
from bankloop.loop.learning.promotion import promote
from bankloop.loop.learning.training import draft_model
from bankloop.loop.model import Labelled
from bankloop.loop.model.amounts import LEAST_ROWS, train_amount
from bankloop.loop.reach.one import Valuer
from bankloop.loop.round.labels import amount_before, campaign_outcomes, round_population
from bankloop.organization.principals import checker, maker, reviewers, system
from tests.loop.people import AS_OF, bank_spec, state
from tests.loop.reach.test_one import FEATURES, LOCKS, MODELS, batch, people, row_of
from tests.loop.test_model import WINDOW

NAME = "keep-deposits"


def successes(rows: int, seed: int) -> tuple[Labelled, np.ndarray]:
    """Amounts whose mean rises with the first feature and whose tail is heavy."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    mean = 1e6 * np.exp(x[:, 0])
    y = mean * rng.lognormal(-0.5, 1.0, rows)
    return Labelled(x, y, ("a", "b", "c"), WINDOW), mean


def test_an_expected_amount_is_money_and_orders_customers_by_it() -> None:
    data, _ = successes(20_000, 1)
    found, card = model.train_amount_model("x.amount", bank_spec().campaigns[NAME], data, data.x, 2)
    new, mean = successes(20_000, 3)
    said = found.predict(new.x)
    assert said.mean() == pytest.approx(new.y.mean(), rel=0.06)
    assert np.corrcoef(np.log(said), np.log(mean))[0, 1] > 0.9
    assert card.kind == "amount"
    assert card.auc > 0.7
    assert card.lift_at_10 > 2.0
    assert card.intervals["lift_at_10"][0] < card.lift_at_10 < card.intervals["lift_at_10"][1]
    inside = [one.low <= one.score <= one.high for one in card.calibration]
    assert sum(inside) >= 7
    assert model.train_amount_model("x.amount", bank_spec().campaigns[NAME], data, data.x, 2)[1] == card


def test_few_successes_are_the_mean_and_artefacts_of_another_kind_are_refused(tmp_path: Path) -> None:
    data, _ = successes(LEAST_ROWS - 1, 4)
    found, _ = train_amount(data, 5)
    assert (found.predict(data.x) == data.y.mean()).all()
    digest, path = model.save_model(found, tmp_path)
    assert (model.load_amount(path, digest).predict(data.x) == found.predict(data.x)).all()
    with pytest.raises(ConflictError, match="another kind"):
        model.load_model(path, digest)


def test_one_customer_is_valued_by_the_amount_as_the_batch_is() -> None:
    table = state(people(400, 6))
    x = model.feature_matrix(table, FEATURES)
    y = 1e6 + 1e4 * np.nan_to_num(x[:, 0])
    amount, _ = train_amount(Labelled(x, y, FEATURES, (AS_OF, AS_OF)), 7)
    learned, lock = replace(MODELS[NAME], amount=amount), LOCKS[NAME]
    rows, values = batch(lock, learned, table)
    _, without = batch(lock, MODELS[NAME], table)
    valuer = Valuer.of(lock, learned)
    open_ = np.isfinite(values)
    assert open_.any()
    assert not np.allclose(values[open_], without[open_])
    for at, expected in zip(rows.tolist()[:80], values, strict=False):
        mine = valuer.values(row_of(table, at))
        assert np.allclose(mine[np.isfinite(mine)], expected[np.isfinite(expected)], rtol=1e-6, atol=1e-6)


def test_a_campaign_by_the_amount_needs_its_model_approved_and_plans_and_reads_by_it(bank: Bank) -> None:
    by_amount(bank)
    today = bank.lake.today()
    draft_model(bank, maker(), NAME, today - timedelta(days=1))
    promote(bank, checker(), NAME)
    with pytest.raises(ConflictError, match=r"keep-deposits\.amount"):
        submit(bank, maker(), NAME)
    card = draft_amount(bank, maker(), NAME, today - timedelta(days=1))
    assert card.kind == "amount"
    assert promote(bank, checker(), f"{NAME}.amount") == 1
    lock, _ = submit(bank, maker(), NAME)
    assert set(lock.models) == {NAME, f"{NAME}.amount"}
    approve_in_turn(bank, reviewers(), NAME)

    window = loop.plan(bank, system(), 1, today)
    side = next(one for one in window.plan.candidates.campaigns if one.campaign == NAME)
    amount = window.models[NAME].amount
    assert amount is not None
    members = window.state.table.take(side.rows)
    rate = next(p for p in lock.products if p.key == lock.campaign.products[0]).contribution.rate / 1_000_000
    expected = np.floor(amount.predict(model.feature_matrix(members, amount.features)) * rate + 0.5)
    assert np.array_equal(side.worth, expected)

    loop.run(bank, system(), 1, today, prepared=window)
    with bank.store.begin(system()) as connection:
        known, decisions, _ = round_population(connection, NAME, 1, bank.leads())
        read = campaign_outcomes(bank, connection, known, decisions, 1, to_read=False)
        before = amount_before(bank, connection, known, decisions)
    assert before is not None
    place = {no: at for at, no in enumerate(members["customer_no"].to_pylist())}
    mine = np.array([place[no] for no in decisions["customer_no"].to_pylist()])
    assert np.array_equal(read.worth, expected[mine])


def by_amount(bank: Bank) -> None:
    """Value one campaign by the amount, in this bank as it is open; its files are shared with other tests."""
    campaign = bank.spec.campaigns[NAME]
    goal = campaign.goal.model_copy(update={"value": "amount"})
    changed = {**bank.spec.campaigns, NAME: campaign.model_copy(update={"goal": goal})}
    bank.__dict__["spec"] = bank.spec.model_copy(update={"campaigns": changed})
