"""Step 1: reproducible models, honest cards, artefacts that cannot be swapped."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bankloop.kit.errors import ConflictError
from bankloop.loop import model
from bankloop.loop.model import Labelled, RandomisedArm
from bankloop.organization.principals import maker
from bankloop.store.contracts import ModelVersion
from bankloop.store.database import Store
from bankloop.store.registry import read_models, register_model
from tests.loop.people import bank_spec

FEATURES = ("aum", "logins", "tenure")
CALL = "term-deposit-renewal|none|rm_call"
WINDOW = (date(2026, 7, 1), date(2026, 7, 31))


def history(rows: int, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    p = 1 / (1 + np.exp(2.0 - 1.2 * x[:, 0] + 0.8 * x[:, 1]))
    return Labelled(x, (rng.random(rows) < p).astype(float), FEATURES, WINDOW)


def randomised(rows: int, seed: int) -> tuple[Labelled, np.ndarray]:
    """A round whose call helps those with a high first feature and harms the others."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    effect = np.where(x[:, 0] > 0, 0.10, -0.06)
    called = rng.random(rows) < 0.5
    y = rng.random(rows) < 0.3 + np.where(called, effect, 0.0)
    arms = {CALL: RandomisedArm(np.arange(rows), called, np.full(rows, 0.5))}
    return Labelled(x, y.astype(float), FEATURES, WINDOW, ~called, ~called, arms), effect


@pytest.mark.capability("A2")
def test_a_churn_model_on_10k_rows_is_version_1_and_the_same_again(store: Store, tmp_path: Path) -> None:
    campaign = bank_spec().campaigns["keep-deposits"]
    data = history(10_000, 42)
    (first, card), (again, same) = (model.train_first(campaign, data, data.x, 42) for _ in range(2))
    assert card == same
    assert card.auc > 0.7
    assert card.ks > 0.2
    assert card.lift_at_10 > 1.5
    assert card.psi < 0.01
    assert not card.causal
    digest, path = model.save_model(first, tmp_path)
    assert model.save_model(again, tmp_path)[0] == digest
    with store.begin(maker()) as connection:
        row = ModelVersion("churn", 1, "keep-deposits", card.kind, card.as_dict(), digest, path.name)
        register_model(connection, row)
        stored = read_models(connection, "churn")
    assert [m.version for m in stored] == [1]
    assert stored[0].card["auc"] == card.auc


def test_an_artefact_that_was_changed_is_refused(tmp_path: Path) -> None:
    data = history(2_000, 1)
    trained, _ = model.train_first(bank_spec().campaigns["keep-deposits"], data, data.x, 1)
    digest, path = model.save_model(trained, tmp_path)
    assert (model.load_model(path, digest).base.predict(data.x) == trained.base.predict(data.x)).all()
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ConflictError, match="was changed"):
        model.load_model(path, digest)


def test_uplift_is_learned_where_it_was_randomised_and_finds_whom_a_call_harms() -> None:
    data, effect = randomised(20_000, 3)
    trained, card = model.train_causal(bank_spec().campaigns["keep-deposits"], data, data.x, 3)
    assert card.causal
    _, uplift = trained.predict(data.x, [CALL])
    assert np.corrcoef(uplift[:, 0], effect)[0, 1] > 0.6
    assert uplift[effect < 0].mean() < 0 < uplift[effect > 0].mean()
    assert card.effects[CALL].low < effect.mean() < card.effects[CALL].high


def called_extremes(seed: int, rows: int = 6_000) -> Labelled:
    """A plan calls those whom the base model finds extreme, a quarter of them held back as ghosts; the effect is 4 pp."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    meant = x[:, 0] > 1.0
    held = rng.random(rows) < 0.25
    called = meant & ~held
    y = (rng.random(rows) < 0.75 - 0.25 * meant + 0.04 * called).astype(float)
    arm = np.flatnonzero(meant)
    arms = {CALL: RandomisedArm(arm, called[arm], np.full(len(arm), 0.75))}
    return Labelled(x, y, FEATURES, WINDOW, ~called, held, arms)


def test_a_plan_that_calls_the_extremes_does_not_fool_the_learner() -> None:
    campaign = bank_spec().campaigns["keep-deposits"]
    data = [called_extremes(seed) for seed in range(10)]
    effects = [model.train_causal(campaign, one, one.x, 0)[1].effects[CALL] for one in data]
    error = np.mean([(e.high - e.low) / (2 * 1.96) for e in effects]) / np.sqrt(len(effects))
    assert abs(np.mean([e.mean for e in effects]) - 0.04) < 4 * error


def test_without_data_an_action_keeps_its_stated_prior() -> None:
    campaign = bank_spec().campaigns["keep-deposits"]
    data = history(5_000, 5)
    trained, _ = model.train_first(campaign, data, data.x, 5)
    base, uplift = trained.predict(data.x, [CALL, "term-deposit-renewal|none|fax"])
    rate = trained.segments.rate[trained.segments.of(data.x)]
    assert uplift[:, 0] == pytest.approx(np.minimum(0.15 * (1 - rate) - 0.015 * rate, 1 - base))
    assert (uplift[:, 1] == 0).all()


def test_confidential_and_protected_facts_are_no_features() -> None:
    from tests.loop.people import TYPES

    assert not {"frozen", "watchlist", "gender", "region", "is_staff"} & set(model.feature_names(TYPES))


def test_measures_against_their_definitions() -> None:
    score, y = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0.0, 1.0, 1.0])
    assert model.auc(score, y) == 0.75
    assert model.ks(score, y) == 0.5
    assert model.lift_at(score, y, 0.25) == 2.0
    assert model.psi(score, score) == pytest.approx(0.0)
    assert model.auc(score, np.zeros(4)) == 0.5
