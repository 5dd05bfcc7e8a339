"""What step 1 gives on: trained models as frozen values, and the card that says how far each can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """One tenth of the scored rows: mean score against observed rate with its 95 % interval (Wilson)."""

    rows: int
    score: float
    rate: float
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model card. Rates are fractions; ``lift_at_10`` is the positive share in the top tenth over the overall share.

    ``auc``, ``ks``, ``lift_at_10`` and ``calibration`` are on rows held out from training; ``psi`` compares the scores
    of training rows with those of the customers scored now. ``causal`` is true only where assignment was randomised.
    ``rounds`` are those that it was trained on; ``edges`` between the tenths of the training rows' scores and the
    ``shares`` of these rows between them are what later customers' scores are watched against.

    ``segments`` are whom the effect is told of, each with what was stated and what is believed; ``stated`` is what
    the file says of each channel and benefit (wins, loses), ``statement`` whose word that is.

    ``intervals`` hold 95 % of resampled held-out rows' ``auc``, ``ks`` and ``lift_at_10``. ``learner`` of the effect,
    by action ``learned``, ``why`` in both languages, ``gains`` over the segments' posterior. ``data``, ``code`` and
    ``lock`` are digests of the training rows, of what trained (of package ``version``), and of the campaign's lock
    or, before there is one, file.
    ``dropped`` are attributes that held one value or none in all training rows: nothing can be learned from them.
    """

    model: str
    kind: str
    causal: bool
    rows: int
    positives: int
    auc: float
    ks: float
    lift_at_10: float
    psi: float
    calibration: tuple[CalibrationBin, ...]
    features: tuple[str, ...]
    seed: int
    window: tuple[date, date]
    effects: Mapping[str, ActionEffect] = field(default_factory=dict)
    rounds: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    learner: str = "segments"
    learned: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    gains: Mapping[str, Gain] = field(default_factory=dict)
    segments: tuple[SegmentBelief, ...] = ()
    stated: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    statement: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    code: str = ""
    lock: str = ""
    version: str = ""
    dropped: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the card as plain values."""
        plain = asdict(self)
        plain["window"] = [day.isoformat() for day in self.window]
        return plain


@dataclass(frozen=True, slots=True)
class ActionEffect:
    """The mean effect of an action among those who got it: treated rows, estimate and 95 % interval, fractions."""

    rows: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SegmentBound:
    """What sets a segment apart: a feature above ``low`` and up to ``high`` where these are given; ``unknown`` ones too."""

    feature: str
    low: float | None
    high: float | None
    unknown: bool


@dataclass(frozen=True, slots=True)
class BelievedEffect:
    """An action's effect in a segment: as ``stated``, and as it is believed with its 95 % interval, fractions."""

    stated: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SegmentBelief:
    """One segment: who it is, the ``rate`` that reaches the goal unasked, its ``share`` of the rows, effects by action."""

    bounds: tuple[SegmentBound, ...]
    rate: float
    share: float
    effects: Mapping[str, BelievedEffect]


@dataclass(frozen=True, slots=True)
class Gain:
    """How much smaller a learner's squared error is than another's, a customer: mean, 95 % interval, standard error."""

    mean: float
    low: float
    high: float
    se: float


@dataclass(frozen=True, slots=True)
class RandomisedArm:
    """Where chance decided whether rows got one action or nothing.

    ``rows`` (m,) index the training rows, ``treated`` (m,) who got it, ``probability`` (m,) with which chance treats
    each, strictly between 0 and 1. Outside explore these are the rows for which the plan intended the action: the
    treated and the ghosts.
    """

    rows: NDArray[np.int64]
    treated: NDArray[np.bool_]
    probability: Floats


@dataclass(frozen=True, slots=True)
class Labelled:
    """Training rows: features ``x`` (n, f) with NaN for unknown, labels ``y`` (n,) in {0, 1}.

    Of a randomised round also: ``quiet`` (n,) who got nothing, ``control`` (n,) who could not, and per action the
    ``arms`` in which chance decided. History without assignment leaves them out. ``round`` (n,) is whose row it is, and
    ``worth`` (n,) what a success is worth there, in fen.
    """

    x: Floats
    y: Floats
    features: Sequence[str]
    window: tuple[date, date]
    quiet: NDArray[np.bool_] | None = None
    control: NDArray[np.bool_] | None = None
    arms: Mapping[str, RandomisedArm] = field(default_factory=dict)
    round: NDArray[np.int64] | None = None
    worth: Floats | None = None

    @property
    def by_chance(self) -> NDArray[np.bool_]:
        """Return the rows (n,) for which chance decided about any action: all that effects are learned from."""
        found = np.zeros(len(self.y), bool)
        for arm in self.arms.values():
            found[arm.rows] = True
        return found

    def part(self, mask: NDArray[np.bool_]) -> Labelled:
        """Return the rows of ``mask`` (n,), arms included."""
        place = np.cumsum(mask) - 1
        arms = {}
        for key, arm in self.arms.items():
            kept = mask[arm.rows]
            arms[key] = RandomisedArm(place[arm.rows[kept]], arm.treated[kept], arm.probability[kept])
        quiet = None if self.quiet is None else self.quiet[mask]
        control = None if self.control is None else self.control[mask]
        of = None if self.round is None else self.round[mask]
        worth = None if self.worth is None else self.worth[mask]
        return Labelled(self.x[mask], self.y[mask], self.features, self.window, quiet, control, arms, of, worth)
