"""What step 7 works on and gives on: a round's outcomes, and its reading. Rates are fractions, money is fen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.evaluate.statistics import Estimate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
Words = NDArray[np.str_]

# What each event says of the way from message to goal; a channel that cannot say a step leaves it out.
FUNNEL: tuple[tuple[str, Text, tuple[str, ...]], ...] = (
    ("contacted", Text("触达", "Contacted"), ()),
    ("delivered", Text("送达", "Delivered"), ("push_delivered", "sms_delivered", "wecom_read", "task_done")),
    ("responded", Text("回应", "Responded"), ("push_open", "push_click", "sms_click", "wecom_reply", "call_connected")),
    ("converted", Text("达成目标", "Goal reached"), ()),
)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One campaign's round, a row per customer of its population (n,).

    ``control`` the assignment; ``meant`` whether the engine intended a contact (a ghost in control); ``contacted``
    whether one went out; ``success`` in {0, 1}; ``worth`` fen of a success; ``cost`` fen spent on the customer, of which
    ``staff_cost`` for people's minutes and ``benefit_cost`` for benefits where that is known;
    ``by_hand`` contacted by staff without a task; ``steps`` who passed each funnel step in between.

    ``before`` is the chance of success that the locked model gave before the assignment, None where it cannot be had;
    ``day`` the day of the window, from 0, on which the goal was reached, −1 for never; ``labels`` name each customer's
    group by dimension, '' for none; ``share`` the planned control share where windows differ; ``window`` the number of
    the window in which a customer was first decided on; ``notes`` count what was put aside, by kind.
    """

    round: int
    control: Bools
    meant: Bools
    contacted: Bools
    success: Floats
    worth: Floats
    attributed_worth: Floats
    cost: Floats
    by_hand: Bools
    steps: Mapping[str, Bools]
    before: Floats | None = None
    day: Integers | None = None
    labels: Mapping[str, Words] = field(default_factory=dict)
    share: Floats | None = None
    window: Integers | None = None
    notes: Mapping[str, int] = field(default_factory=dict)
    staff_cost: Floats | None = None
    benefit_cost: Floats | None = None

    @property
    def earned(self) -> Floats:
        """Return fen that each customer brought, before costs."""
        return self.success * self.worth


class Verdict(StrEnum):
    """What may honestly be said of a lift."""

    GAIN = "gain"
    HARM = "harm"
    INCONCLUSIVE = "inconclusive"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step from audience to goal: how many of the treated got there."""

    name: str
    title: Text
    treated: int


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The money with outliers pulled in to declared limits in fen; ``moved`` customers were, ``share`` at each end."""

    share: float
    low: float
    high: float
    moved: int
    incremental: Estimate | None


@dataclass(frozen=True, slots=True)
class RoundMoney:
    """The money of a round: ``attributed`` is what naive attribution claims, ``incremental`` what the control shows.

    ``incremental`` is after all costs; ``trimmed`` the same with outliers pulled in, beside it and never instead. Of
    ``cost``, ``staff`` went into people's minutes and ``benefits`` into what was given; the rest is the channels'. Where
    too few paid for the money to be read there is no ``incremental``, and ``unread`` says why.
    """

    attributed: int
    incremental: Estimate | None
    cost: int
    trimmed: Trimmed | None = None
    staff: int = 0
    benefits: int = 0
    unread: Text | None = None

    @property
    def roi(self) -> float | None:
        """Return incremental money after costs for each fen spent; None where nothing was spent or read."""
        return self.incremental.value / self.cost if self.incremental and self.cost else None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a number is of: who, when, which cells against which, and by what method. ``window`` are ISO days."""

    population: Text
    window: tuple[str, str]
    cells: Text
    method: Text


@dataclass(frozen=True, slots=True)
class Checked:
    """One check that must hold before a lift is read."""

    name: str
    title: Text
    p: float
    ok: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """One group of customers within a reading: its funnel, its lift against the control of the same group, its money.

    ``p`` is exact (Fisher's), and ``q`` is it adjusted over the groups of the dimension (Benjamini and Hochberg);
    groups in which too few successes are expected have neither, and no lift. The groups of ``tier``,
    ``branch``, ``sub_branch`` and ``manager`` add up to the reading; those of ``action``, ``channel`` and ``script`` to
    the customers whom the plan meant to contact, in both arms.
    """

    dimension: str
    key: str
    treated: int
    contacted: int
    responded: int
    converted: int
    control: int
    control_converted: int
    lift: Estimate | None
    p: float | None
    q: float | None
    cost: int
    incremental: Estimate | None

    @property
    def roi(self) -> float | None:
        """Return incremental money after costs for each fen spent; None where nothing was spent or read."""
        return self.incremental.value / self.cost if self.incremental and self.cost else None


@dataclass(frozen=True, slots=True)
class Week:
    """What one week of the window added to the lift; the weeks of a window add up to the plain difference."""

    number: int
    days: int
    treated: int
    control: int
    lift: Estimate | None


@dataclass(frozen=True, slots=True)
class Restated:
    """The reading that was kept before: when, and what it said."""

    as_of: str
    lift: Estimate | None
    successes: int


class RuleVerdict(StrEnum):
    """What may honestly be said of a plan beside a rule of the bank's own."""

    PLAN = "plan"
    RULE = "rule"
    SAME = "same"
    UNTOLD = "untold"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class RuleReading:
    """A rule of the bank's own beside the plan of the rounds read: what the plan brought above it, fen of all of them.

    ``plan_only`` and ``rule_only`` are the customers whom one of the two alone contacts with ``action``. ``expected``
    is what the model said beforehand, with the ``probability`` that the plan is above and the share of its value that
    is of people whom it may help or hurt (``unsure``). ``measured`` is doubly robust, by those of them of whom chance
    decided; ``effective`` how many of the plan's and of the rule's that is as if drawn evenly, ``each`` what
    contacting one of them brought, ``seen`` the difference that such rounds tell four times in five. ``rounds_needed``
    tell the difference that was measured, or would give it an interval, four times in five; None where none do.
    """

    rule: str
    title: Text
    action: str
    plan_only: int
    rule_only: int
    verdict: RuleVerdict
    sentence: Text
    expected: Estimate
    probability: float
    unsure: float
    measured: Estimate | None = None
    effective: tuple[float, float] = (0.0, 0.0)
    each: tuple[float, float] = (0.0, 0.0)
    seen: float = 0.0
    rounds_needed: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The intention-to-treat reading of a campaign's round(s).

    Population: the usable audience outside the holdout and outside exemptions; treated had the campaign available,
    control had not, while the rest of the portfolio ran for both. ``control_share`` is the planned one. ``lift`` is
    adjusted for what was known before the assignment where that is known, ``plain`` the difference of the two rates;
    ``variance_cut`` is the share of the plain one's variance that the adjustment takes away. ``relative`` is the plain
    lift over the control's rate; ``broken_checks`` name what forbids reading; ``elapsed`` is the share of the goal's
    window that had passed, 1 for a result; ``detectable`` is None where no lift could be seen, since nobody succeeded.
    ``differs`` gives, by dimension, the p-value of all groups having one lift; ``fading`` the lift of the window's first
    half less that of its second; ``rounds_needed`` how many such rounds, pooled, find the lift that was read, four times
    in five. ``rules`` are the bank's own ways to choose, measured beside the plan once the window has closed.
    """

    campaign: str
    rounds: tuple[int, ...]
    treated: int
    control: int
    treated_rate: float
    control_rate: float
    lift: Estimate | None
    verdict: Verdict
    sentence: Text
    money: RoundMoney
    funnel: tuple[FunnelStep, ...]
    sample_ratio_p: float
    control_share: float
    contaminated: int
    ghost_lift: Estimate | None
    detectable: float | None
    relative: Estimate | None = None
    broken_checks: tuple[Text, ...] = ()
    elapsed: float = 1.0
    plain: Estimate | None = None
    variance_cut: float = 0.0
    checks: tuple[Checked, ...] = ()
    basis: Basis | None = None
    cuts: tuple[Cut, ...] = ()
    differs: Mapping[str, float] = field(default_factory=dict)
    weeks: tuple[Week, ...] = ()
    fading: Estimate | None = None
    notes: tuple[Text, ...] = ()
    rounds_needed: int | None = None
    restated: Restated | None = None
    motive: str = ""
    rules: tuple[RuleReading, ...] = ()

    @property
    def successes(self) -> int:
        """Return how many of both arms reached the goal."""
        return round(self.treated_rate * self.treated + self.control_rate * self.control)

    def of(self, dimension: str) -> tuple[Cut, ...]:
        """Return the groups of one dimension."""
        return tuple(cut for cut in self.cuts if cut.dimension == dimension)

    def as_dict(self) -> dict[str, Any]:
        """Return the reading as plain values."""
        return asdict(self)
