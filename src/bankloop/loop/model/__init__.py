"""Step 1, 建模型: propensity and uplift models, their cards, their artefacts by digest.

Uplift where a randomised round exists, else a propensity times a stated prior, which every surface calls not yet causal.
It never decides who is contacted.
"""

from bankloop.loop.model.amounts import Amount
from bankloop.loop.model.beliefs import beliefs_of
from bankloop.loop.model.cards import PSI_ALARM, auc, calibration, index_of, ks, lift_at, psi, shares_between
from bankloop.loop.model.choosing import AUTO, LearnerChoice, learner_for
from bankloop.loop.model.contracts import (
    ActionEffect,
    CalibrationBin,
    Gain,
    Labelled,
    ModelCard,
    RandomisedArm,
    SegmentBelief,
)
from bankloop.loop.model.forest import Scorer
from bankloop.loop.model.learners import Propensity, fitted_trees, train_propensity
from bankloop.loop.model.meta import LearnedEffect, Learner, Trial, learn_effects, learn_rank
from bankloop.loop.model.posterior import Posterior, StatedPrior
from bankloop.loop.model.provenance import code_digest, data_digest
from bankloop.loop.model.ranking import MeanInterval, better_than, paired_qini, qini
from bankloop.loop.model.reasons import FeaturePart, parts_of
from bankloop.loop.model.residuals import cross_fitted_rates, squared_errors
from bankloop.loop.model.segments import Segments
from bankloop.loop.model.service import (
    Artefact,
    feature_matrix,
    feature_names,
    feature_row,
    is_kept,
    load_amount,
    load_model,
    load_propensity,
    save_model,
    stated_prior,
    train_amount_model,
    train_causal,
    train_first,
    train_forecast,
    ways,
)
from bankloop.loop.model.uplift import SEGMENTS, Uplift, learn_uplift, stated_uplift

__all__ = [
    "AUTO",
    "PSI_ALARM",
    "SEGMENTS",
    "ActionEffect",
    "Amount",
    "Artefact",
    "CalibrationBin",
    "FeaturePart",
    "Gain",
    "Labelled",
    "LearnedEffect",
    "Learner",
    "LearnerChoice",
    "MeanInterval",
    "ModelCard",
    "Posterior",
    "Propensity",
    "RandomisedArm",
    "Scorer",
    "SegmentBelief",
    "Segments",
    "StatedPrior",
    "Trial",
    "Uplift",
    "auc",
    "beliefs_of",
    "better_than",
    "calibration",
    "code_digest",
    "cross_fitted_rates",
    "data_digest",
    "feature_matrix",
    "feature_names",
    "feature_row",
    "fitted_trees",
    "index_of",
    "is_kept",
    "ks",
    "learn_effects",
    "learn_rank",
    "learn_uplift",
    "learner_for",
    "lift_at",
    "load_amount",
    "load_model",
    "load_propensity",
    "paired_qini",
    "parts_of",
    "psi",
    "qini",
    "save_model",
    "shares_between",
    "squared_errors",
    "stated_prior",
    "stated_uplift",
    "train_amount_model",
    "train_causal",
    "train_first",
    "train_forecast",
    "train_propensity",
    "ways",
]
