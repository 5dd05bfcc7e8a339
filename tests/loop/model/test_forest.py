"""One customer is scored from the same artefact as millions, and gets the same score."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bankloop.kit.errors import InputError
from bankloop.loop.model import Labelled, Propensity, Scorer, fitted_trees, train_propensity

Floats = NDArray[np.float64]

NAMES = ("a", "b", "c")
WINDOW = (date(2026, 7, 1), date(2026, 7, 31))


def trained(seed: int, rate: float | None = None) -> Propensity:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4_000, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    p = 1 / (1 + np.exp(1.0 - np.nan_to_num(x) @ rng.normal(0, 1, 3))) if rate is None else np.full(4_000, rate)
    return train_propensity(Labelled(x, (rng.random(4_000) < p).astype(float), NAMES, WINDOW), seed)[0]


MODELS = [trained(1), trained(2), trained(3, 0.0005), trained(4)]
SCORER = Scorer.of(MODELS)


ROWS = np.random.default_rng(7).normal(size=(2_000, 3))
ROWS[np.random.default_rng(8).random(ROWS.shape) < 0.1] = np.nan
LIBRARY = fitted_trees(ROWS, (np.nan_to_num(ROWS).sum(axis=1) > 0.5).astype(float), 5)
FLAT = Scorer.plain(LIBRARY, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.just(float("nan")), st.floats(-50, 50)), min_size=3, max_size=3))
def test_one_row_scores_as_the_artefact_does(row: list[float]) -> None:
    features = np.array(row)
    expected = [float(model.predict(features[None, :])[0]) for model in MODELS]
    assert SCORER.one(features) == pytest.approx(expected, abs=1e-6)
    assert FLAT.one(features)[0] == pytest.approx(LIBRARY.predict_proba(features[None, :])[0, 1], abs=1e-6)
    assert (SCORER.batch(features[None, :])[0] == SCORER.one(features)).all()


def test_values_at_the_thresholds_go_the_same_way() -> None:
    rows = np.column_stack([np.resize(SCORER.threshold, 600)] * 3)
    expected = np.column_stack([model.predict(rows) for model in MODELS])
    assert SCORER.batch(rows) == pytest.approx(expected, abs=1e-6)
    own = np.column_stack([np.resize(FLAT.threshold, 600)] * 3)
    assert FLAT.batch(own)[:, 0] == pytest.approx(LIBRARY.predict_proba(own)[:, 1], abs=1e-6)


def test_so_many_that_cores_share_them_score_as_few_do() -> None:
    rows = np.random.default_rng(3).normal(0.0, 2.0, (20_003, len(SCORER.features)))
    few = np.concatenate([SCORER.batch(part) for part in np.array_split(rows, 7)])
    assert (SCORER.batch(rows) == few).all()


def test_models_of_other_features_do_not_score_together() -> None:
    other = Propensity(MODELS[0].trees, MODELS[0].isotonic, ("a", "b", "d"))
    with pytest.raises(InputError, match="different features"):
        Scorer.of([MODELS[0], other])
    with pytest.raises(ValueError, match="2 features where 3 are read"):
        SCORER.batch(np.zeros((1, 2)))


@pytest.mark.parametrize(
    "change",
    [
        {"left": np.where(SCORER.left < 0, -1, 0)},
        {"right": SCORER.right + len(SCORER.right)},
        {"feature": SCORER.feature + 3},
        {"feature": SCORER.feature - 9},
        {"root": SCORER.root + len(SCORER.feature)},
        {"tree": SCORER.tree + 1},
        {"step": SCORER.step[::-1]},
        {"value": SCORER.value[1:]},
        {"step_y": SCORER.step_y[1:]},
        {"logistic": SCORER.logistic[1:]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_trees_that_a_walk_would_leave_or_circle_in_are_none(change: dict[str, NDArray[np.int32]]) -> None:
    with pytest.raises(ValueError, match="no trees"):
        replace(SCORER, **change)
