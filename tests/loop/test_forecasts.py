"""Churn and renewal are models of their own: learned from history, approved, and their scores are attributes and forecasts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bankloop.care.maturity import maturing, read_care, renewal_scores
from bankloop.kit.errors import ConflictError, NotFoundError, SpecError
from bankloop.lake.contracts import Scope
from bankloop.loop.bank import SCORES, Bank
from bankloop.loop.learning.forecasts import draft_forecast, forecast_of, forecast_rows, score_forecast
from bankloop.loop.learning.promotion import promote
from bankloop.loop.spec import read_forecasts
from bankloop.organization.people import load_people
from bankloop.organization.principals import checker, maker, system
from bankloop.store.registry import champion, read_models


def rows_of(bank: Bank, attribute: str) -> pa.Table:
    with bank.lake.connection(Scope.whole_bank("test")) as engine:
        query = "SELECT * FROM score WHERE attribute = $name ORDER BY customer_no"
        return engine.sql(query, params={"name": attribute}).to_arrow_table()


@pytest.mark.capability("A2")
def test_churn_is_trained_approved_scored_and_stands_as_an_attribute(bank: Bank) -> None:
    yesterday = bank.lake.today() - timedelta(days=1)
    card = draft_forecast(bank, maker(), "churn", yesterday, 42)
    assert draft_forecast(bank, maker(), "churn", yesterday, 42) == card
    assert card.kind == "forecast"
    assert card.rows > 300
    assert 0 < card.positives < card.rows
    assert {len(card.data), len(card.code), len(card.lock)} == {64}
    assert "no file is as old" in card.why["en"]
    assert not {"aum", "deposits", "churn_risk", "has_term_deposit"} & set(card.features)
    with bank.store.begin(system()) as connection:
        assert [one.version for one in read_models(connection, "churn")] == [1]
        assert champion(connection, "churn") is None
    with pytest.raises(ConflictError, match="approve"):
        score_forecast(bank, maker(), "churn", yesterday)
    assert promote(bank, checker(), "churn") == 1

    done = score_forecast(bank, maker(), "churn", yesterday)
    state = bank.state(yesterday).table
    scored = state.filter(pc.is_valid(state["churn_risk"]))
    assert scored.num_rows == done.customers > 0
    assert pc.all(pc.greater_equal(scored["aum"], 1_000_000)).as_py()
    stored = rows_of(bank, "churn_risk")
    assert set(stored["model"].to_pylist()) == {"churn"}
    assert set(stored["model_version"].to_pylist()) == {1}
    assert set(stored["scored_on"].to_pylist()) == {yesterday}
    assert set(stored["valid_until"].to_pylist()) == {yesterday + timedelta(days=30)}


@pytest.mark.parametrize(("name", "days"), [("churn", 60), ("outflow", 30)])
def test_labels_are_those_of_the_events_and_only_what_was_known_is_read(bank: Bank, name: str, days: int) -> None:
    yesterday, one = bank.lake.today() - timedelta(days=1), forecast_of(bank, name)
    data, now = forecast_rows(bank, one, yesterday)
    then = yesterday - timedelta(days=days)
    assert data.window == (then, yesterday)
    past = bank.state(then).table
    past = past.filter(pc.greater_equal(pc.fill_null(past["aum"], 0), 1_000_000))
    held = dict(zip(past["customer_no"].to_pylist(), past["aum"].to_pylist(), strict=True))
    with bank.lake.connection(Scope.whole_bank("test")) as engine:
        found = engine.sql(
            "SELECT customer_no, amount_fen, (occurred_at AT TIME ZONE 'Asia/Shanghai')::DATE AS day FROM event WHERE type = 'transfer_out'"
        ).to_arrow_table().to_pylist()  # fmt: skip
    left = {
        row["customer_no"]
        for row in found
        if row["customer_no"] in held
        and then < row["day"] <= yesterday
        and 2 * row["amount_fen"] >= held[row["customer_no"]]
    }
    assert left
    assert data.y.sum() == len(left)
    assert len(data.y) == len(held)
    assert now.shape[1] == len(data.features)


def test_renewal_is_conditional_on_a_maturity_and_says_what_is_expected_to_stay(bank: Bank) -> None:
    today = bank.lake.today()
    yesterday, policy = today - timedelta(days=1), read_care(bank.folder).maturity
    load_people(bank.store, bank.lake)
    with bank.store.begin(system()) as connection:
        by_band = maturing(connection, bank.lake, policy, today)
    assert by_band
    assert not any(one.forecast.model for one in by_band)
    data, _ = forecast_rows(bank, forecast_of(bank, "renewal"), yesterday)
    amount = data.x[:, list(data.features).index("term_maturing_60d")]
    assert np.isfinite(amount).all()
    assert (amount > 0).all()

    draft_forecast(bank, maker(), "renewal", yesterday, 7)
    promote(bank, checker(), "renewal")
    draft_forecast(bank, maker(), "churn", yesterday, 7)
    promote(bank, checker(), "churn")
    score_forecast(bank, maker(), "churn", yesterday)
    score_forecast(bank, maker(), "renewal", yesterday)
    assert rows_of(bank, "churn_risk").num_rows > 0
    scores = renewal_scores(bank.lake, today)
    with bank.store.begin(system()) as connection:
        now = maturing(connection, bank.lake, policy, today)
    deposits = [one for one in now if one.product_class == "term_deposit"]
    # The last of the sixty days begins to be scored tomorrow: until then its band speaks.
    inside = [one for one in deposits if one.matures_on < today + timedelta(days=60)]
    assert inside
    assert {one.forecast.model for one in inside} == {"renewal v1"}
    for one in inside:
        kept = scores[one.customer_no].kept_ppm
        assert kept is not None
        assert one.stake_fen == one.balance_fen * (1_000_000 - kept) // 1_000_000
    assert not any(one.forecast.model for one in now if one.product_class != "term_deposit")
    # A score holds for its days: afterwards the history of the band speaks again.
    assert renewal_scores(bank.lake, today + timedelta(days=31)) == {}


def test_scores_of_others_stay_and_a_second_scoring_replaces_its_own(bank: Bank) -> None:
    yesterday = bank.lake.today() - timedelta(days=1)
    number = bank.state(yesterday).table["customer_no"][0].as_py()
    given = pa.table({
        "customer_no": [number], "attribute": ["of_the_bank"], "score_ppm": pa.array([7], pa.int64()), "model": ["own"],
        "model_version": pa.array([3], pa.int64()), "scored_on": pa.array([yesterday], pa.date32()),
        "valid_until": pa.array([None], pa.date32()),
    })  # fmt: skip
    bank.lake.publish(SCORES, given, yesterday)
    draft_forecast(bank, maker(), "churn", yesterday, 1)
    promote(bank, checker(), "churn")
    first = score_forecast(bank, maker(), "churn", yesterday)
    second = score_forecast(bank, maker(), "churn", yesterday)
    assert first == second
    assert rows_of(bank, "of_the_bank").num_rows == 1
    assert rows_of(bank, "churn_risk").num_rows == first.customers


def test_a_bank_writes_its_own_and_names_that_it_does_not_have_are_refused(bank: Bank, tmp_path: Path) -> None:
    types = bank.catalogue.types
    own = tmp_path / "forecasts.yaml"
    text = (
        "format: 1\nforecasts:\n  - {forecast: churn, title: {zh: 流失, en: Churn}, attribute: churn_risk, "
        "among: aum >= 50000, event: transfer_out, within: 30d}\n"
    )
    own.write_text(text, encoding="utf-8")
    found = read_forecasts(tmp_path, types)
    assert set(found) == {"churn", "outflow", "renewal"}
    assert found["churn"].days == 30
    own.write_text(text.replace("churn_risk", "chrun_risk"), encoding="utf-8")
    with pytest.raises(SpecError, match="chrun_risk"):
        read_forecasts(tmp_path, types)
    own.write_text(text.replace("within: 30d", "within: 30d, least: 50%"), encoding="utf-8")
    with pytest.raises(SpecError, match="least"):
        read_forecasts(tmp_path, types)
    with pytest.raises(NotFoundError, match="renewal"):
        forecast_of(bank, "renewals")
