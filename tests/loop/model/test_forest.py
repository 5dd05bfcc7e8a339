"""One customer is scored from the same artefact as millions, and gets the same score."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bankloop.kit.errors import InputError
from bankloop.loop.model import Labelled, Propensity, Scorer, train_propensity

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


def by_library(model: Propensity, rows: Floats) -> Floats:
    """What the trees' own library says of rows, and the isotonic steps of that."""
    if hasattr(model.trees, "rate"):
        return np.full(len(rows), model.trees.rate)
    return np.asarray(model.isotonic.predict(model.trees.predict_proba(rows)[:, 1]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.just(float("nan")), st.floats(-50, 50)), min_size=3, max_size=3))
def test_one_row_scores_as_the_artefact_does(row: list[float]) -> None:
    features = np.array(row)
    expected = [float(by_library(model, features[None, :])[0]) for model in MODELS]
    assert SCORER.one(features) == pytest.approx(expected, abs=1e-6)
    assert (SCORER.batch(features[None, :])[0] == SCORER.one(features)).all()


def test_values_at_the_thresholds_go_the_same_way() -> None:
    rows = np.column_stack([np.resize(SCORER.threshold, 600)] * 3)
    expected = np.column_stack([by_library(model, rows) for model in MODELS])
    assert SCORER.batch(rows) == pytest.approx(expected, abs=1e-6)
    assert (np.column_stack([model.predict(rows) for model in MODELS]) == expected).all()


def test_models_of_other_features_do_not_score_together() -> None:
    other = Propensity(MODELS[0].trees, MODELS[0].isotonic, ("a", "b", "d"))
    with pytest.raises(InputError, match="different features"):
        Scorer.of([MODELS[0], other])
