"""Step 1, 建模型: propensity and uplift models, their cards, their artefacts by digest.

Uplift where a randomised round exists, else a propensity times a stated prior, which every surface calls not yet causal.
It never decides who is contacted.
"""

from bankloop.loop.model.cards import PSI_ALARM, auc, calibration, index_of, ks, lift_at, psi, shares_between
from bankloop.loop.model.contracts import Arm, CalibrationBin, Card, Effect, Labelled
from bankloop.loop.model.forest import Scorer
from bankloop.loop.model.learners import Propensity, Uplift, learn_uplift, train_propensity
from bankloop.loop.model.meta import Effects, Learner, Trial, learn_effects, learn_rank
from bankloop.loop.model.pooled import cross_fitted_rates, squared_errors
from bankloop.loop.model.ranking import Interval, better_than, paired_qini, qini
from bankloop.loop.model.reasons import Part, parts_of
from bankloop.loop.model.service import (
    feature_matrix,
    feature_names,
    feature_row,
    load_model,
    save_model,
    train_causal,
    train_first,
)

__all__ = [
    "PSI_ALARM",
    "Arm",
    "CalibrationBin",
    "Card",
    "Effect",
    "Effects",
    "Interval",
    "Labelled",
    "Learner",
    "Part",
    "Propensity",
    "Scorer",
    "Trial",
    "Uplift",
    "auc",
    "better_than",
    "calibration",
    "cross_fitted_rates",
    "feature_matrix",
    "feature_names",
    "feature_row",
    "index_of",
    "ks",
    "learn_effects",
    "learn_rank",
    "learn_uplift",
    "lift_at",
    "load_model",
    "paired_qini",
    "parts_of",
    "psi",
    "qini",
    "save_model",
    "shares_between",
    "squared_errors",
    "train_causal",
    "train_first",
    "train_propensity",
]
