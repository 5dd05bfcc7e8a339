"""What step 6 works on: actions, cells, candidates, the plan and its certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.kit.text import Text
from bankloop.loop.reach.assignment import PlanSolution, Problem
from bankloop.loop.reach.conflicts import Bound
from bankloop.loop.reach.kernels import NONE
from bankloop.loop.reach.sets import Rules
from bankloop.loop.reach.several import SeveralSolution
from bankloop.loop.reach.share import PlanShare

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
# The delivery of an action that waits for its customer to come.
SLOT = "slot"


class ExperimentCell(StrEnum):
    """Where a customer stands in the bank's standing experiment."""

    HOLDOUT = "holdout"
    EXPLORE = "explore"
    OPTIMIZE = "optimize"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done for a customer: product × benefit × script × channel of one campaign.

    Costs are in fen and may be fractions of one: a push costs a fifth of a fen. ``contact_cost`` has ``staff_cost``, what
    the minutes of people cost, in it. ``reserved`` is what a grant of its
    benefit takes from a budget, ``face`` what a redemption pays.
    """

    campaign: str
    product: str
    benefit: str
    channel: str
    script: str
    contact_cost: float
    minutes: int
    reserved: int
    face: int
    staff: bool
    delivery: str
    staff_cost: float = 0.0

    @property
    def key(self) -> str:
        """Return ``product|benefit|channel``."""
        return f"{self.product}|{self.benefit}|{self.channel}"


@dataclass(frozen=True, slots=True)
class CampaignCandidates:
    """One campaign's side of the plan. Rows are the m usable customers, columns its k actions.

    ``base`` (m,) success probability without contact; ``uplift`` (m, k); ``worth`` (m,) fen of one success; ``open``
    (m, k) what suitability, benefit rules, scripts and channels leave open; ``control`` (m,) the campaign's control;
    ``lot`` the share (ppm) that is drawn by lot where that is more than the bank's own; ``amounts`` (m,) fen by the
    name of a quota, what each takes of its volume.
    """

    campaign: str
    lock_digest: str
    rows: Integers
    actions: tuple[Action, ...]
    base: Floats
    uplift: Floats
    worth: Floats
    open: Bools
    control: Bools
    control_share: float
    explore_staff: bool
    lot: int = 0
    amounts: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidates:
    """All running campaigns over the n customers that any of them wants.

    ``value`` (n, K) in fen, −inf where closed; ``column_campaign`` (K,) index into ``campaigns``; ``control`` (n, c);
    ``member`` (n, c) who is in which campaign's audience; ``segments`` (n,) by key, who is in which of the policies';
    ``managers`` (b,) how many customer managers each branch has; ``amounts`` (n,) fen by quota, what each takes of its
    volume, NaN where that is not known and whatever would take of it is closed.
    """

    customer_no: pa.Array
    rows: Integers
    branch: Integers
    branches: tuple[str, ...]
    campaigns: tuple[CampaignCandidates, ...]
    actions: tuple[Action, ...]
    column_campaign: Integers
    value: Floats
    uplift: Floats
    base: Floats
    cell: NDArray[np.str_]
    control: Bools
    member: Bools
    segments: Mapping[str, Bools] = field(default_factory=dict)
    managers: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    amounts: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Return the number of actions K."""
        return len(self.actions)


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """How one scarce resource is used: limit, used, price of one more unit in fen, and the limits between which it holds.

    ``wanted`` is what would be used were nothing scarce: everybody's best action, and the lot's.

    ``floor`` is what must be used, ``short`` what is missing to it; a price below zero is what one unit of it costs.
    """

    name: str
    title: Text
    unit: Text
    limit: float
    used: float
    explored: float
    price: float
    holds_from: float | None
    holds_to: float | None
    floor: float = 0.0
    short: float = 0.0
    wanted: float = 0.0


@dataclass(frozen=True, slots=True)
class ActionLine:
    """What one action adds up to in the plan; money in fen."""

    campaign: str
    action: str
    channel: str
    benefit: str
    customers: int
    cost: float
    value: float


@dataclass(frozen=True, slots=True)
class DatedPlan:
    """The plan of one window over all running campaigns.

    ``issued`` and ``intended`` (n, c) are, by campaign, columns of ``candidates.actions`` or −1; ``propensity`` (n,) is the
    probability with which the issued choice was drawn; ``explored`` (n,) who was drawn by lot. ``rules`` say what one
    customer may get beyond one action; ``conflict`` is an irreducible set of bounds that cannot all be met, empty where
    they can, and then the plan is the nearest to them. ``share`` is what is solved again to read things off it.
    """

    plan_id: str
    window_start: date
    window_end: date
    as_of: date
    candidates: Candidates
    problem: Problem
    solution: PlanSolution | SeveralSolution
    issued: Integers
    intended: Integers
    propensity: Floats
    explored: Bools
    resources: tuple[ResourceLine, ...]
    lines: tuple[ActionLine, ...]
    digest: str
    rules: Rules | None = None
    conflict: tuple[Bound, ...] = ()
    share: PlanShare | None = None

    @property
    def value(self) -> float:
        """Return the plan's objective, fen: what the optimised customers are worth."""
        return self.solution.objective

    def chosen(self, campaign: str) -> NDArray[np.str_]:
        """Return (n,) the issued action key of a campaign, '' where it issued none."""
        return _keys(self.candidates, self.issued, campaign)

    def meant(self, campaign: str) -> NDArray[np.str_]:
        """Return (n,) the intended action key of a campaign, '' where it intended none."""
        return _keys(self.candidates, self.intended, campaign)


def by_campaign(candidates: Candidates, rows: Integers, columns: Integers) -> Integers:
    """Return (n, c) the column that each campaign has for each customer, or −1, from who gets what as pairs."""
    found = np.full(candidates.member.shape, NONE, np.int64)
    found[rows, candidates.column_campaign[columns]] = columns
    return found


def _keys(candidates: Candidates, choice: Integers, campaign: str) -> NDArray[np.str_]:
    index = next(i for i, one in enumerate(candidates.campaigns) if one.campaign == campaign)
    return np.array([action.key for action in candidates.actions] + [""])[choice[:, index]]
