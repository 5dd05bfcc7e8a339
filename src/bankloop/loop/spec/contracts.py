"""What a bank writes in its files, as frozen values: products, benefits, scripts, policies, campaigns (format 1).

A field that is not named here is refused, so that a misspelt limit can never be ignored. Percentages become ppm, money
fen, ``30d`` days. Texts stay in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from bankloop.kit.wording import Unfit
from bankloop.loop.spec.contacting import CapPolicy, Channel, ContactPolicy, QuietHours
from bankloop.loop.spec.prior import OwnRule, Prior, Signature, StatedShare
from bankloop.loop.spec.products import (
    Availability,
    Contribution,
    Document,
    Migration,
    Product,
    Risk,
    RiskRating,
    Shelf,
    Solution,
    SolutionVersion,
)
from bankloop.loop.spec.scripts import CallGuide, Objection, Script, ScriptVersion
from bankloop.loop.spec.values import ANY_CHANNEL, NO_BENEFIT, Days, Fen, Key, Label, Ppm, Spec

__all__ = [
    "ANY_CHANNEL",
    "NO_BENEFIT",
    "ApprovalPolicy",
    "Availability",
    "BankSpec",
    "Benefit",
    "BenefitPool",
    "BranchLimit",
    "CallGuide",
    "Campaign",
    "CapPolicy",
    "Channel",
    "ContactPolicy",
    "Contribution",
    "Days",
    "Document",
    "Evaluation",
    "ExperimentPolicy",
    "Fen",
    "Goal",
    "Key",
    "Label",
    "Migration",
    "Objection",
    "Optimization",
    "OwnRule",
    "PlanPolicy",
    "Policies",
    "Ppm",
    "Prior",
    "Product",
    "QuietHours",
    "Quota",
    "Reach",
    "ReviewPolicy",
    "Risk",
    "RiskRating",
    "Script",
    "ScriptVersion",
    "Segment",
    "Shelf",
    "Signature",
    "Solution",
    "SolutionVersion",
    "Spec",
    "StaffPolicy",
    "StatedShare",
]


class Benefit(Spec):
    """One benefit (权益); ``reserve`` says what a grant takes from a budget: its face, or face × redemption.

    ``threshold`` is the order from which it applies (满减): 满 100 减 20 is ``{face: 20 CNY, threshold: 100 CNY}``.
    """

    key: Key
    title: Label
    kind: Literal["coupon", "points", "gift", "draw", "fee_waiver"]
    face: Fen
    stock: int = Field(ge=0)
    reserve: Literal["face", "expected"] = "face"
    redemption: Ppm = 1_000_000
    expires: Days = 30
    threshold: Fen = 0

    @property
    def reserved_fen(self) -> int:
        """Return what one grant takes from a budget, fen, rounded half up."""
        return self.face if self.reserve == "face" else (self.face * self.redemption + 500_000) // 1_000_000


class Goal(Spec):
    """What counts as success, and by when.

    A success is worth the product's contribution: by ``contribution_12m`` its rate is of the attribute that the product
    names, by ``amount`` of the amount that the campaign's own amount model expects of the customer.
    """

    event: str
    within: Days
    value: Literal["contribution_12m", "amount"] = "contribution_12m"


class Reach(Spec):
    """Channels in use, the campaign's own budget and quotas, and who a channel is for."""

    channels: tuple[str, ...] = Field(min_length=1)
    budget: Fen | None = None
    quotas: tuple[Quota, ...] = ()
    when: Mapping[str, str] = Field(default_factory=dict)
    contact: Literal["default"] = "default"


class Evaluation(Spec):
    """The campaign's control (``auto`` is sized by power) and its share of bank-wide exploring."""

    control: Ppm | Literal["auto"] = "auto"
    explore: Ppm = 50_000
    explore_staff: bool = False


class Optimization(Spec):
    """When to learn and who promotes; both are fixed in format 1."""

    retrain: Literal["when labels are due"] = "when labels are due"
    promote: Literal["approval"] = "approval"


class Campaign(Spec):
    """One campaign file: the eight steps of the closed loop in the order in which they run.

    ``rules`` are the bank's own ways to choose, which stand beside the plan. ``solution`` fills in products, benefits
    and scripts that the file leaves out, from its newest published version. ``branch_benefits`` are those of the
    benefits that a branch alone adds, for its own customers, and what it may spend on each in a window at most.
    """

    format: Literal[1]
    campaign: Key
    title: Label
    lane: Literal["stable", "agile"] = "agile"
    motive: str | None = None
    goal: Goal
    model: Prior
    audience: str
    solution: str | None = None
    products: tuple[Key, ...] = Field(min_length=1)
    benefits: tuple[Key, ...] = (NO_BENEFIT,)
    scripts: tuple[Key, ...] = Field(min_length=1)
    reach: Reach
    evaluate: Evaluation = Evaluation()
    optimize: Optimization = Optimization()
    rules: Mapping[Key, OwnRule] = Field(default_factory=dict)
    branch_benefits: Mapping[Key, Fen] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _branches_add_what_is_there(self) -> Campaign:
        for key in self.branch_benefits:
            if key == NO_BENEFIT or key not in self.benefits:
                raise Unfit(
                    f"branch_benefits 的 {key} 要先写进 benefits",
                    f"{key} of branch_benefits is written under benefits too",
                )
        return self

    @field_validator("model", mode="before")
    @classmethod
    def _kind_alone(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value


class Segment(Spec):
    """A segment (客群) by its condition: availability, quotas, solutions and the product matrix name it by key."""

    title: Label
    where: str


class Quota(Spec):
    """A floor or ceilings on part of a window's plan: of a campaign, product, benefit or channel, in a segment or branch.

    ``at_least`` and ``at_most`` count customers, ``budget`` is what contacts and reserved benefits may cost, ``minutes``
    what they may take of staff. ``volume`` bounds the sum of ``use``, what each customer takes: an amount of money as
    an expression over attributes (``loan_limit * 0.6``). ``each_branch`` sets the same for every branch by itself.
    """

    key: Key
    title: Label
    campaign: Key | None = None
    product: Key | None = None
    benefit: Key | None = None
    channel: str | None = None
    segment: Key | None = None
    branch: str | None = None
    each_branch: bool = False
    at_least: int | None = Field(default=None, ge=0)
    at_most: int | None = Field(default=None, ge=0)
    budget: Fen | None = None
    minutes: int | None = Field(default=None, ge=0)
    volume: Fen | None = None
    use: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Quota:
        if all(one is None for one in (self.at_least, self.at_most, self.budget, self.minutes, self.volume)):
            raise Unfit(
                "配额须写 at_least、at_most、budget、minutes、volume 之一",
                "a quota needs at_least, at_most, budget, minutes or volume",
            )
        if (self.volume is None) != (self.use is None):
            raise Unfit(
                "volume 与 use 要一起写：use 是每位客户占用的金额，如 use: loan_limit",
                "volume and use go together: use is the amount that each customer takes, as use: loan_limit",
            )
        if sum([self.segment is not None, self.branch is not None, self.each_branch]) > 1:
            raise Unfit(
                "配额针对一个客群、一家分行或每家分行：只写一项",
                "a quota is for a segment, for a branch or for each branch: name one",
            )
        return self


class PlanPolicy(Spec):
    """How long one dated plan covers, whether people's capacity counts working days only, and what one customer may get.

    ``per_customer`` campaigns may contact a customer in a window; those of a pair in ``exclude`` never both, of a pair in
    ``require`` the first only with the second.
    """

    window: Days = 1
    working_days: bool = True
    placement: str = "outbound"
    per_customer: int = Field(default=1, ge=1, le=8)
    exclude: tuple[tuple[Key, Key], ...] = ()
    require: tuple[tuple[Key, Key], ...] = ()
    quotas: tuple[Quota, ...] = ()

    @model_validator(mode="after")
    def _can_require(self) -> PlanPolicy:
        if self.require and self.per_customer < 2:
            raise Unfit(
                "需要另一战役的战役，每位客户须有两个：per_customer: 2",
                "a campaign that needs another takes two a customer: per_customer: 2",
            )
        return self


class ExperimentPolicy(Spec):
    """Bank-wide layers: holdout, explore, and who stays out of experiments."""

    holdout: Ppm = 50_000
    explore: Ppm = 50_000
    exempt: str | None = None


class StaffPolicy(Spec):
    """What people's time is: minutes that can be given to head-office tasks on a working day, and what an hour costs.

    ``minutes_per_manager_day`` is of each customer manager whom the bank's customers name, ``minutes_per_branch_day``
    of a branch as a whole; where both are written the smaller holds. A contact by staff costs its channel's
    ``minutes`` of it, beside what the channel itself costs.
    """

    minutes_per_branch_day: int | None = Field(default=None, ge=0)
    minutes_per_manager_day: int | None = Field(default=None, ge=0)
    cost_per_hour: Fen = 0


class BranchLimit(Spec):
    """What a branch may approve by itself (授权额度)."""

    customers: int = Field(ge=0)
    budget: Fen


class ApprovalPolicy(Spec):
    """Up to where one approval will do; above, and from ``risk`` on, head office decides and two approve.

    A request is decided within ``decide``, started within ``start``; an emergency ends after ``emergency`` hours. What
    ``own`` names is consented to on its own before a campaign is submitted with it.
    """

    customers: int = Field(default=10_000, ge=0)
    budget: Fen = 5_000_000
    risk: Risk = Risk.R3
    branches: Mapping[str, BranchLimit] = Field(default_factory=dict)
    decide: Days = 14
    start: Days = 30
    emergency: int = Field(default=72, ge=1, le=240)
    own: tuple[Literal["script", "benefit", "budget"], ...] = ()


class ReviewPolicy(Spec):
    """When a product is reviewed: above this share of complaints among its buyers, or below this share that keep it."""

    complaints: Ppm = 5_000
    retention: Ppm = 500_000


class Policies(Spec):
    """The bank's policies, ``policies.yaml``."""

    format: Literal[1]
    plan: PlanPolicy = PlanPolicy()
    segments: Mapping[Key, Segment] = Field(default_factory=dict)
    experiment: ExperimentPolicy = ExperimentPolicy()
    contact: ContactPolicy
    channels: Mapping[str, Channel]
    staff: StaffPolicy = StaffPolicy()
    approval: ApprovalPolicy = ApprovalPolicy()
    review: ReviewPolicy = ReviewPolicy()


class BenefitPool(Spec):
    """``benefits.yaml``."""

    format: Literal[1]
    benefits: tuple[Benefit, ...] = ()


class BankSpec(Spec):
    """Everything the loop reads from a bank's folder, resolved by key."""

    products: Mapping[str, Product]
    benefits: Mapping[str, Benefit]
    scripts: Mapping[str, Script]
    policies: Policies
    campaigns: Mapping[str, Campaign]
    solutions: Mapping[str, Solution] = Field(default_factory=dict)
