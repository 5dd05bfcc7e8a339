"""Measures the models: learners of an effect on one trial and in the simulated bank, propensities in order of time, speed."""

from __future__ import annotations

import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bankloop.bench.known import bank_marketing, hillstrom
from bankloop.loop import model
from bankloop.loop.model import Learner, MeanInterval, Trial
from bankloop.simulate.service import write_bank
from bankloop.simulate.world import World

SPLITS, DRAWS = 10, 40
FOLDS = 5
_CAMPAIGN, _ACTION = "bind-card", "debit-card-wallet|coupon-20|sms"
_REACHED = 0.3
_WINDOW = (date(2010, 1, 1), date(2010, 12, 31))

Floats = NDArray[np.float64]


def measure_uplift(folder: Path | None, splits: int, draws: int, customers: int) -> dict[str, Any]:
    """Return the Qini of every learner on both arms of Hillstrom's trial, and what uplift is worth in the simulated bank."""
    arms = {"women": "Womens", "men": "Mens"}
    return {
        "hillstrom": {name: _trial(hillstrom(folder, arm), splits, draws) for name, arm in arms.items()},
        "simulated": _simulated(customers, draws * 5),
    }


def _trial(trial: Trial, splits: int, draws: int) -> dict[str, Any]:
    """Every learner on the same stratified halves; intervals over resamples of all test halves, differences in pairs."""
    means: dict[str, list[float]] = {learner.value: [] for learner in Learner}
    again: dict[str, list[Floats]] = {learner.value: [] for learner in Learner}
    for split in range(splits):
        train, test = _halves(trial, split)
        other = trial.part(test)
        effects = {kind.value: model.learn_rank(kind, trial.part(train), split)(other.x) for kind in Learner}
        whole, drawn = model.paired_qini(effects, other.y, other.treated.astype(np.float64), draws, split)
        for name in effects:
            means[name].append(whole[name])
            again[name].append(drawn[name])
    linear = Learner.LINEAR_T.value
    found = {}
    for name in means:
        mean, drawn_all = float(np.mean(means[name])), np.concatenate(again[name])
        own = MeanInterval.of(drawn_all, mean)
        minus = MeanInterval.of(drawn_all - np.concatenate(again[linear]), mean - float(np.mean(means[linear])))
        found[name] = {"qini": _short(own.mean), "low": _short(own.low), "high": _short(own.high),
                       "minus_linear_T": {"mean": _short(minus.mean), "low": _short(minus.low), "high": _short(minus.high)}}  # fmt: skip
    return found


def _halves(trial: Trial, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw halves with the same share of every (treated, outcome)."""
    rng = np.random.default_rng(seed)
    train = np.zeros(len(trial.y), bool)
    for stratum in np.unique(2 * trial.treated + trial.y):
        rows = np.flatnonzero(2 * trial.treated + trial.y == stratum)
        train[rng.permutation(rows)[: len(rows) // 2]] = True
    return np.flatnonzero(train), np.flatnonzero(~train)


def _simulated(customers: int, draws: int, seed: int = 7) -> dict[str, Any]:
    """One randomised round in a bank with known truth; the same share of new people reached by effect and by propensity."""
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        write_bank(Path(home) / "bank", customers, seed)
        world = World.load(Path(home) / "bank")
    people = world.population(_CAMPAIGN)
    chance = world.probabilities(_CAMPAIGN, people, [_ACTION])
    truth = chance[:, 1] - chance[:, 0]
    x = _traits(world, people)
    rng = np.random.default_rng(seed)
    treated = rng.random(len(truth)) < 0.5
    y = (rng.random(len(truth)) < np.where(treated, chance[:, 1], chance[:, 0])).astype(np.float64)
    test = rng.random(len(truth)) < 0.5
    rest = np.flatnonzero(~test)
    learned = model.learn_effects(Learner.DR, Trial(x, treated, y, np.full(len(y), 0.5)).part(rest), seed)
    alone = rest[~treated[rest]]
    data = model.Labelled(x[alone], y[alone], [str(i) for i in range(x.shape[1])], _WINDOW)
    propensity, _ = model.train_propensity(data, seed)
    effect, score, truth = learned.rank(x[test]), propensity.predict(x[test]), truth[test]
    ratios = [_worth(effect, score, truth, rng.integers(0, len(truth), len(truth))) for _ in range(draws)]
    over = MeanInterval.of(np.array(ratios), _worth(effect, score, truth, np.arange(len(truth))))
    correlation = float(np.corrcoef(rankdata(effect), rankdata(truth))[0, 1])
    return {
        "rank_correlation": _short(correlation),
        "policy_value_over_propensity": {"mean": _short(over.mean), "low": _short(over.low), "high": _short(over.high)},
    }


def _traits(world: World, people: Any) -> Floats:
    table = world.customers()
    place = {number: row for row, number in enumerate(table["customer_no"].to_pylist())}
    some = table.take([place[number] for number in people.to_pylist()])
    names = ("managed", "contactable", "private_banking", "digital", "activity")
    return np.column_stack([some[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in names])


def _worth(effect: Floats, score: Floats, truth: Floats, rows: NDArray[np.int64]) -> float:
    """Return the true effect won by reaching the best by effect, over that of the best by propensity."""
    count = int(_REACHED * len(rows))
    won = [float(truth[rows][np.argsort(-by[rows], kind="stable")[:count]].sum()) for by in (effect, score)]
    return won[0] / won[1] if won[1] > 0 else float("inf")


def measure_propensity(folder: Path | None, folds: int) -> dict[str, Any]:
    """Return the propensity's AUC on the last fifth in time, then over folds, on the calls of a Portuguese bank."""
    x, y = bank_marketing(folder)
    names = [str(i) for i in range(x.shape[1])]
    cut = len(y) * 4 // 5
    late = model.train_propensity(model.Labelled(x[:cut], y[:cut], names, _WINDOW), 1)[0].predict(x[cut:])
    fold = np.random.default_rng(1).integers(0, FOLDS, len(y))
    found = []
    for number in range(folds):
        train = model.Labelled(x[fold != number], y[fold != number], names, _WINDOW)
        found.append(model.auc(model.train_propensity(train, 1)[0].predict(x[fold == number]), y[fold == number]))
    return {
        "time_ordered": {"auc": _short(model.auc(late, y[cut:])), "lift_at_10": _short(model.lift_at(late, y[cut:])),
                         "rate_before": _short(float(y[:cut].mean())), "rate_after": _short(float(y[cut:].mean()))},
        "five_fold": {"auc": _short(float(np.mean(found))), "sd": _short(float(np.std(found)))},
    }  # fmt: skip


def measure_score(rows: int, models: int = 5, features: int = 40) -> dict[str, Any]:
    """Return rows a second in batch, µs for one row through five models, and how far these, the artefact and the library differ."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20_000, features))
    x[rng.random(x.shape) < 0.05] = np.nan
    chance = 1.0 / (1.0 + np.exp(2.0 - np.nan_to_num(x) @ rng.normal(0, 0.4, (features, models))))
    y = (rng.random(chance.shape) < chance).astype(np.float64)
    names = [f"f{i}" for i in range(features)]
    trained = [model.train_propensity(model.Labelled(x, y[:, m], names, _WINDOW), m)[0] for m in range(models)]
    scorer = model.Scorer.of(trained)
    many = np.tile(x, (max(1, rows // len(x)), 1))
    scorer.batch(x[:10])
    began = time.perf_counter()
    batch = scorer.batch(many)
    seconds = time.perf_counter() - began
    singles = np.empty((2_000, models))
    times = []
    for i in range(len(singles)):
        began = time.perf_counter()
        singles[i] = scorer.one(x[i])
        times.append(time.perf_counter() - began)
    artefact = np.column_stack([one.predict(x) for one in trained])
    library = model.fitted_trees(x, y[:, 0], 0)
    flat = model.Scorer.plain(library, features).batch(x)[:, 0]
    apart = max(
        float(np.abs(one - other).max())
        for one, other in (
            (batch[: len(x)], artefact),
            (singles, artefact[: len(singles)]),
            (flat, library.predict_proba(x)[:, 1]),
        )
    )
    return {
        "models": models,
        "rows_per_second": round(len(many) / seconds),
        "one_row_us": round(float(np.median(times)) * 1e6, 1),
        "largest_difference": apart,
    }


def _short(value: float) -> float:
    return round(value, 4)
