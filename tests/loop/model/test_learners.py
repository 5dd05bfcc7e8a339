"""A model of what a bank really has: columns that nobody fills, or that say the same of everybody."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bankloop.loop import model
from bankloop.loop.model.learners import fitted, without_empty
from bankloop.loop.model.steps import centred_steps

WINDOW = (date(2026, 1, 1), date(2026, 1, 31))
ROWS = 4_000


def rows(**columns: np.ndarray) -> model.Labelled:
    rng = np.random.default_rng(5)
    told = rng.normal(size=ROWS)
    y = (rng.random(ROWS) < 1.0 / (1.0 + np.exp(1.5 - told))).astype(np.float64)
    x = np.column_stack([*columns.values(), told])
    return model.Labelled(x, y, (*columns, "told"), WINDOW)


EMPTY, ALIKE = np.full(ROWS, np.nan), np.ones(ROWS)
SOME = np.where(np.arange(ROWS) % 2 == 0, np.nan, 1.0)


def test_what_is_empty_or_alike_is_left_out_and_what_is_known_of_some_stays() -> None:
    data, now, dropped = without_empty(rows(empty=EMPTY, alike=ALIKE, some=SOME), np.zeros((7, 4)))
    assert (data.features, dropped) == (("some", "told"), ("empty", "alike"))
    assert (data.x.shape, now.shape) == ((ROWS, 2), (7, 2))


@pytest.mark.parametrize("column", [EMPTY, ALIKE, SOME])
def test_a_first_model_is_learned_whatever_columns_are_empty_and_its_card_says_so(column: np.ndarray) -> None:
    data = rows(odd=column)
    trained, card = model.train_forecast("f", data, data.x, 3, {})
    assert card.dropped == (() if column is SOME else ("odd",))
    assert card.features == tuple(n for n in ("odd", "told") if n not in card.dropped)
    assert card.auc > 0.7
    assert trained.features == card.features


def test_without_any_column_the_model_is_the_plain_rate() -> None:
    data = rows(empty=EMPTY)
    nothing = model.Labelled(data.x[:, :1], data.y, ("empty",), WINDOW)
    trained, card = model.train_forecast("f", nothing, nothing.x, 3, {})
    assert (card.dropped, card.features) == (("empty",), ())
    assert trained.predict(np.zeros((3, 0))) == pytest.approx(data.y.mean())


def test_a_column_that_only_a_part_of_the_rows_lacks_can_be_fitted() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    data = rows(empty=EMPTY)
    trees = fitted(HistGradientBoostingClassifier(max_iter=2), data.x, data.y)
    assert trees.predict(data.x).shape == (ROWS,)


def test_customers_of_one_score_have_one_rate_in_whatever_order_they_stand() -> None:
    score, y = np.full(100, 0.4), np.r_[np.zeros(70), np.ones(30)]
    for order in (np.arange(100), np.arange(100)[::-1]):
        assert centred_steps(score, y[order]).predict(np.array([0.1, 0.4, 0.9])) == pytest.approx([0.3] * 3)


def test_scores_that_are_all_apart_keep_their_rising_line() -> None:
    steps = centred_steps(np.arange(6.0), np.array([0, 1, 0, 1, 1, 1.0]))
    assert steps.at.tolist() == [0.0, 1.5, 4.0]
    assert steps.rate.tolist() == [0.0, 0.5, 1.0]
