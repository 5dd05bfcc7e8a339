"""What a bank writes in its files, as frozen values: products, benefits, scripts, policies, campaigns (format 1).

A field that is not named here is refused, so that a misspelt limit can never be ignored. Percentages become ppm, money
fen, ``30d`` days. Texts stay in both languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from bankloop.kit import InputError, Text, parse_money

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
ANY_CHANNEL = "any"
NO_BENEFIT = "none"


def _ppm(value: object) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", str(value))
    if match is None:
        raise ValueError(f"'{value}' is no percentage; write 5%")
    return int((Decimal(match[1]) * 10_000).to_integral_value())


def _fen(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"'{value}' is no amount; write 15000 CNY")
    try:
        return parse_money(value).fen
    except InputError as error:
        raise ValueError(error.message.en) from error


def _days(value: object) -> int:
    match = re.fullmatch(r"\s*(\d+)\s*d?\s*", str(value))
    if match is None:
        raise ValueError(f"'{value}' is no number of days; write 30d")
    return int(match[1])


Ppm = Annotated[int, BeforeValidator(_ppm), Field(ge=0)]
Fen = Annotated[int, BeforeValidator(_fen), Field(ge=0)]
Days = Annotated[int, BeforeValidator(_days), Field(ge=1, le=3660)]


class Spec(BaseModel):
    """Base of all spec values: frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(Spec):
    """A text in both languages; both are demanded."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @property
    def text(self) -> Text:
        """Return it as a ``Text``."""
        return Text(self.zh, self.en)


class Risk(StrEnum):
    """The product risk rating (产品风险等级)."""

    R1 = "R1"
    R2 = "R2"
    R3 = "R3"
    R4 = "R4"
    R5 = "R5"

    @property
    def level(self) -> int:
        """Return 1 … 5."""
        return int(self.value[1])


class RiskRating(Spec):
    """The two ratings of one product; the higher one counts (孰高原则)."""

    issuer: Risk
    seller: Risk

    @property
    def level(self) -> int:
        """Return the higher level, 1 … 5."""
        return max(self.issuer.level, self.seller.level)


class Contribution(Spec):
    """The change in 12-month contribution that one success brings: a fixed part plus a rate of an attribute.

    ``attributed`` is what naive attribution claims for a success, where that differs: it is shown, never optimised.
    """

    fixed: Fen = 0
    rate: Ppm = 0
    of: str | None = None
    attributed: Fen | None = None
    note: Label | None = None

    @model_validator(mode="after")
    def _rate_has_base(self) -> Contribution:
        if (self.rate > 0) != (self.of is not None):
            raise ValueError("a rate needs the attribute it applies to: write rate and of together")
        return self


class Product(Spec):
    """One product of the shelf (产品货架)."""

    key: Key
    title: Label
    line: Literal["retail", "corporate", "interbank", "subsidiary"] = "retail"
    product_class: Literal["payment", "deposit", "wealth", "fund", "insurance", "loan", "card", "service"] = Field(
        alias="class"
    )
    risk: RiskRating | None = None
    eligible: str | None = None
    available: bool = True
    contribution: Contribution

    @model_validator(mode="after")
    def _investment_is_rated(self) -> Product:
        if self.is_investment and self.risk is None:
            raise ValueError("an investment product needs its risk ratings: risk: {issuer: R2, seller: R2}")
        return self

    @property
    def is_investment(self) -> bool:
        """Return whether suitability applies."""
        return self.product_class in ("wealth", "fund", "insurance")


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


class ScriptVersion(Spec):
    """One version of a script: a body per channel and language, slots with their fallbacks."""

    version: int = Field(ge=1)
    state: Literal["draft", "approved", "retired"]
    slots: Mapping[str, str] = Field(default_factory=dict)
    bodies: Mapping[str, Label]


class Script(Spec):
    """A talk script (话术) and its versions."""

    format: Literal[1]
    script: Key
    products: tuple[Key, ...]
    versions: tuple[ScriptVersion, ...] = Field(min_length=1)


class Prior(Spec):
    """How the model is built: ``prior`` is the stated lift of each channel and benefit, a share of the base."""

    kind: Literal["uplift", "propensity"] = "uplift"
    base: Literal["converts", "fails"] = "converts"
    prior: Mapping[str, Ppm] = Field(default_factory=dict)


class Goal(Spec):
    """What counts as success, and by when."""

    event: str
    within: Days
    value: Literal["contribution_12m"] = "contribution_12m"


class Reach(Spec):
    """Channels in use, the campaign's own budget, and who a channel is for."""

    channels: tuple[str, ...] = Field(min_length=1)
    budget: Fen | None = None
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
    """One campaign file: the eight steps of the closed loop in the order in which they run."""

    format: Literal[1]
    campaign: Key
    title: Label
    lane: Literal["stable", "agile"] = "agile"
    motive: str | None = None
    goal: Goal
    model: Prior
    audience: str
    products: tuple[Key, ...] = Field(min_length=1)
    benefits: tuple[Key, ...] = (NO_BENEFIT,)
    scripts: tuple[Key, ...] = Field(min_length=1)
    reach: Reach
    evaluate: Evaluation = Evaluation()
    optimize: Optimization = Optimization()

    @field_validator("model", mode="before")
    @classmethod
    def _kind_alone(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value


class PlanPolicy(Spec):
    """How long one dated plan covers, and whether people's capacity counts working days only."""

    window: Days = 1
    working_days: bool = True
    placement: str = "outbound"


class ExperimentPolicy(Spec):
    """Bank-wide layers: holdout, explore, and who stays out of experiments."""

    holdout: Ppm = 50_000
    explore: Ppm = 50_000
    exempt: str | None = None


class QuietHours(Spec):
    """No contact between these bank-local times."""

    start: time = Field(alias="from")
    end: time = Field(alias="to")


class CapPolicy(Spec):
    """At most ``limit`` marketing contacts in ``days`` rolling bank-local days, on one channel or on any."""

    channel: str
    limit: int = Field(ge=0)
    days: Days


class ContactPolicy(Spec):
    """When people may be contacted and how often."""

    quiet_hours: QuietHours
    call_hours: tuple[str, ...] = ()
    caps: tuple[CapPolicy, ...] = ()


class Channel(Spec):
    """A channel: how it delivers, for whom it is open, what a thousand contacts cost, what one day can carry."""

    title: Label
    delivery: Literal["file", "task"]
    staff: bool = False
    open_to: str
    cost_per_thousand: Fen
    minutes: int = Field(default=0, ge=0)
    per_day: int | None = Field(default=None, ge=0)


class StaffPolicy(Spec):
    """Minutes that one branch's people can give to head-office tasks on a working day."""

    minutes_per_branch_day: int | None = Field(default=None, ge=0)


class BranchLimit(Spec):
    """What a branch may approve by itself (授权额度)."""

    customers: int = Field(ge=0)
    budget: Fen


class ApprovalPolicy(Spec):
    """Up to where one approval will do; above, and from ``risk`` on, head office decides and two approve.

    A request is decided within ``decide``, started within ``start``; an emergency ends after ``emergency`` hours.
    """

    customers: int = Field(default=10_000, ge=0)
    budget: Fen = 5_000_000
    risk: Risk = Risk.R3
    branches: Mapping[str, BranchLimit] = Field(default_factory=dict)
    decide: Days = 14
    start: Days = 30
    emergency: int = Field(default=72, ge=1, le=240)


class Policies(Spec):
    """The bank's policies, ``policies.yaml``."""

    format: Literal[1]
    plan: PlanPolicy = PlanPolicy()
    experiment: ExperimentPolicy = ExperimentPolicy()
    contact: ContactPolicy
    channels: Mapping[str, Channel]
    staff: StaffPolicy = StaffPolicy()
    approval: ApprovalPolicy = ApprovalPolicy()


class Shelf(Spec):
    """``products.yaml``."""

    format: Literal[1]
    products: tuple[Product, ...]


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
