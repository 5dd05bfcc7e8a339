"""The two files of "value a policy on logged data" as frozen values: bank.yaml's ``logged:`` and policy.yaml (format 1).

A policy is either ``arms`` (one of several offers for each customer) or ``rate`` (one price per group of customers,
never per person). What is not named here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from bankloop.kit.money import AMOUNT, MAX_FEN, MINOR_UNITS
from bankloop.kit.wording import Unfit
from bankloop.loop.spec import Key, Label, Ppm, Spec

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,62}$")]
RESERVED = frozenset({"plan", "logged", "best_single"})
# Every combination of levels is looked at: seven levels in five groups are 16,807.
MAX_LEVELS = 7
MAX_GROUPS = 5


_AMOUNT = re.compile(rf"\s*(?P<amount>{AMOUNT})\s*(?P<currency>[A-Z]{{3}})?\s*")


class UnitAmount(Spec):
    """What one contact costs or one event is worth, in minor units, not rounded: a message at 0.045 is 4.5."""

    minor: float = Field(ge=0, le=MAX_FEN)
    currency: str | None


def _unit_amount(value: object) -> UnitAmount:
    match = None if isinstance(value, bool) else _AMOUNT.fullmatch(str(value))
    if match is None:
        said = "—" if value is None else str(value)
        raise Unfit(f"“{said}”不是金额；应写成 0.045", f"'{said}' is no amount; write 0.045")
    minor = Decimal(match["amount"].replace(",", "")) * MINOR_UNITS
    if not 0 <= minor <= MAX_FEN:
        raise Unfit(
            f"“{value}”应为 0 或更多；要扣的事件写在 subtract 下",
            f"'{value}' must be 0 or more; what counts against is listed under subtract",
        )
    return UnitAmount(minor=float(minor), currency=match["currency"])


Each = Annotated[UnitAmount, BeforeValidator(_unit_amount)]


class LoggedColumn(Spec):
    """One column of the file: which it is there, how to read it, and what an empty field means if it may be empty."""

    source: str = Field(alias="from")
    type: Literal["number", "category", "money"]
    scale: Literal["plain", "log"] = "plain"
    missing: float | None = None
    label: Label | None = None


class LoggedFile(Spec):
    """One logged experiment: the file's name, where a person gets it, under which licence, its columns."""

    file: str = Field(pattern=r"^[^/\\]+\.(csv|csv\.gz|parquet)$")
    origin: Label
    licence: Label
    columns: Mapping[Name, LoggedColumn]


class LoggedBank(Spec):
    """``bank.yaml`` of a bank whose data are one logged experiment."""

    format: Literal[1]
    name: Label
    time_zone: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    minor_unit: Label
    logged: LoggedFile


class Reward(Spec):
    """What counts: the sum of ``add`` less the sum of ``subtract``; money is kept in minor units.

    ``worth`` is what one event of a counted column brings, so that events become money; ``after_costs`` takes off what
    the arms cost.
    """

    key: Name
    title: Label
    kind: Literal["count", "money"]
    add: tuple[Name, ...] = Field(min_length=1)
    subtract: tuple[Name, ...] = ()
    worth: Mapping[Name, Each] = Field(default_factory=dict)
    after_costs: bool = False

    @model_validator(mode="after")
    def _money_alone_has_a_price(self) -> Reward:
        if self.kind == "count" and (self.worth or self.after_costs):
            raise Unfit(
                "worth 与 after_costs 属于金额：写 kind: money",
                "worth and after_costs belong to money: write kind: money",
            )
        return self


class Arms(Spec):
    """Offers drawn for each customer; ``values`` maps our key to the file's value; ``nothing`` uses no budget.

    ``costs`` is what each arm costs a customer it is given to; of those stated none but ``nothing`` may be missing.
    """

    column: Name
    values: Mapping[Name, str] = Field(min_length=2)
    nothing: Name
    costs: Mapping[Name, Each] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _every_arm_has_its_cost(self) -> Arms:
        missing = ", ".join(arm for arm in self.values if arm != self.nothing and arm not in self.costs)
        if self.costs and missing:
            raise Unfit(
                f"costs：缺 {missing} 的成本；请写出，不花钱的写 0",
                f"costs: {missing} has none; write it, 0 where it costs nothing",
            )
        return self

    @model_validator(mode="after")
    def _nothing_is_an_arm(self) -> Arms:
        if self.nothing not in self.values:
            known = ", ".join(self.values)
            raise Unfit(f"nothing：“{self.nothing}”不在 {known} 之中", f"nothing: '{self.nothing}' is none of {known}")
        return self


class Rate(Spec):
    """A price drawn within a group; the plan chooses one of ``levels`` equal steps of what each group was offered."""

    column: Name
    group: Name
    groups: Mapping[Name, str] = Field(min_length=1, max_length=MAX_GROUPS)
    levels: int = Field(ge=2, le=MAX_LEVELS)
    unit: Label


class Split(Spec):
    """Which rows are learned from: a share by stable hash within each stratum and action, or values of a column."""

    share: Ppm | None = None
    column: Name | None = None
    learn: tuple[str | int, ...] = ()
    test: tuple[str | int, ...] = ()

    @model_validator(mode="after")
    def _one_rule(self) -> Split:
        by_column = bool(self.column and self.learn and self.test)
        if (self.share is not None) == by_column or (self.share is not None and (self.column or self.learn)):
            raise Unfit(
                "只写 share: 50%，或者 column、learn、test 一起写",
                "write either share: 50%, or column, learn and test together",
            )
        if self.share is not None and not 0 < self.share < 1_000_000:
            raise Unfit(
                "share 应在 0% 与 100% 之间，学习和检验才都有行",
                "a share between 0% and 100% leaves rows to learn from and rows to test on",
            )
        if set(self.learn) & set(self.test):
            raise Unfit(
                "学习用的行不能再用来检验：learn 与 test 有相同的值",
                "a row that is learned from cannot be tested on: learn and test share a value",
            )
        return self


class Under(Spec):
    """What the plan must keep: a share of customers that get an offer, or the logged mean rate as a ceiling."""

    share: Ppm | None = None
    mean: Literal["at most logged"] | None = None


class PolicyComparison(Spec):
    """A policy to hold the plan against: arms by share, one level for all, or one rate per group."""

    title: Label
    shares: Mapping[str, Ppm] | None = None
    level: int | None = Field(default=None, ge=1)
    rates: Mapping[str, float] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> PolicyComparison:
        if sum(part is not None for part in (self.shares, self.level, self.rates)) != 1:
            raise Unfit("shares、level、rates 只写一项", "write one of shares, level, rates")
        return self


class PolicySpec(Spec):
    """``policy.yaml``: one policy to be planned on one part of a logged experiment and valued on the other."""

    format: Literal[1]
    policy: Key
    title: Label
    rewards: tuple[Reward, ...] = Field(min_length=1)
    arms: Arms | None = None
    rate: Rate | None = None
    strata: tuple[Name, ...] = ()
    features: tuple[Name, ...] = ()
    protected: tuple[str, ...] = ()
    split: Split
    under: Under
    compare: Mapping[Name, PolicyComparison] = Field(default_factory=dict)
    notes: tuple[Label, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> PolicySpec:
        if (self.arms is None) == (self.rate is None):
            raise Unfit("arms 与 rate 只写一项", "write either arms or rate")
        if self.arms and (self.under.share is None or self.under.mean is not None):
            raise Unfit(
                "arms 按份额规划：写 under: {share: 50%}", "arms are planned under a share: write under: {share: 50%}"
            )
        if self.rate and (self.under.mean is None or self.under.share is not None):
            raise Unfit(
                "rate 按均值规划：写 under: {mean: at most logged}",
                "a rate is planned under a mean: write under: {mean: at most logged}",
            )
        if self.rate and self.rate.group not in self.strata:
            group = self.rate.group
            raise Unfit(
                f"在 {group} 内抽取的 rate 需要 strata 含 {group}",
                f"a rate drawn within {group} needs {group} among strata",
            )
        if any(reward.after_costs for reward in self.rewards) != bool(self.arms and self.arms.costs):
            raise Unfit(
                "after_costs: true（rewards 下）与 costs（arms 下）要一起写",
                "write after_costs: true under rewards and costs under arms, both or neither",
            )
        for name, one in self.compare.items():
            if name in RESERVED:
                raise Unfit(f"“{name}”总会被比较；请另取名称", f"'{name}' is always compared; choose another name")
            if (one.shares is None) == (self.arms is not None):
                raise Unfit(
                    f"{name}：shares 属于 arms，level 与 rates 属于 rate",
                    f"{name}: shares belong to arms; level and rates to a rate",
                )
        return self
