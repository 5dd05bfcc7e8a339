"""The product shelf (产品货架) as a bank writes it: products of all lines, bundles of them, solutions for segments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from bankloop.kit.wording import Unfit
from bankloop.loop.spec.values import Days, Fen, Key, Label, Ppm, Spec, as_ppm

INVESTMENTS = ("wealth", "fund", "insurance")
CREDIT = ("loan", "card")
# All of it, in ppm.
WHOLE = 1_000_000


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
            raise Unfit(
                "rate 须写明按哪个标签：rate 与 of 一起写",
                "a rate needs the attribute it applies to: write rate and of together",
            )
        return self


class Availability(Spec):
    """Where a product is offered: the branches, segments and channels named, everywhere where none are named.

    A customer of any of the ``segments`` (keys of ``segments`` in policies.yaml) will do.
    """

    on: bool = True
    branches: tuple[str, ...] | None = None
    segments: tuple[Key, ...] | None = None
    channels: tuple[str, ...] | None = None

    def within(self, other: Availability) -> Availability:
        """Return what both allow: a shelf can take away from what was approved, never add to it."""
        return Availability(
            on=self.on and other.on,
            branches=_both(self.branches, other.branches),
            segments=_both(self.segments, other.segments),
            channels=_both(self.channels, other.channels),
        )


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(name for name in one if name in other)


def _online(value: object) -> int:
    """Return how much of a product's flow is online, ppm: all, nothing, or a percentage."""
    if isinstance(value, bool):
        return WHOLE if value else 0
    found = as_ppm(value)
    if found > WHOLE:
        raise Unfit(f"“{value}”超过 100%", f"'{value}' is more than 100%")
    return found


def _online_as_written(ppm: int) -> str:
    return f"{(Decimal(ppm) / 10_000).normalize():f}%"


class Migration(Spec):
    """The way of a product online (线上化迁移): who answers for it, until which day, and what it still waits for."""

    owner: str
    by: date
    waits_for: Label | None = None


class Document(Spec):
    """A document that goes with a product: a prospectus, a contract, a disclosure of risks."""

    title: Label
    version: str
    file: str | None = None


class Product(Spec):
    """One product of the shelf, or a bundle of some: ``legs`` names the products that it is made of.

    A bundle carries the highest rating of its legs and is open to whom every leg is open to. ``margin`` is what a year's
    balance leaves over, ``codes`` are the core systems' product numbers, by which holdings are counted. ``online`` is
    how much of what a customer does to get it is online, true for all of it; ``migration`` says how the rest will be.
    """

    key: Key
    title: Label
    line: Literal["retail", "corporate", "interbank", "subsidiary"] = "retail"
    product_class: Literal["payment", "deposit", "wealth", "fund", "insurance", "loan", "card", "service", "bundle"] = (
        Field(alias="class")
    )
    risk: RiskRating | None = None
    eligible: str | None = None
    available: Availability = Availability()
    contribution: Contribution
    margin: Ppm = 0
    term: Days | None = None
    online: Annotated[int, BeforeValidator(_online), PlainSerializer(_online_as_written)] = WHOLE
    migration: Migration | None = None
    documents: tuple[Document, ...] = ()
    codes: tuple[str, ...] = ()
    legs: tuple[Key, ...] = ()

    @field_validator("available", mode="before")
    @classmethod
    def _yes_or_no(cls, value: object) -> object:
        return {"on": value} if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _investment_is_rated(self) -> Product:
        if self.product_class in INVESTMENTS and self.risk is None:
            raise Unfit(
                "投资类产品须有风险评级：risk: {issuer: R2, seller: R2}",
                "an investment product needs its risk ratings: risk: {issuer: R2, seller: R2}",
            )
        if (self.product_class == "bundle") != (len(self.legs) > 1):
            raise Unfit(
                "组合至少写两个 legs，其他产品不写：class: bundle, legs: [a, b]",
                "a bundle names at least two legs, and nothing else has legs: class: bundle, legs: [a, b]",
            )
        return self

    @property
    def is_investment(self) -> bool:
        """Return whether suitability applies: to investments, and to bundles with one among their legs."""
        return self.product_class in INVESTMENTS or (self.product_class == "bundle" and self.risk is not None)

    @property
    def is_online(self) -> bool:
        """Return whether a customer gets it without leaving the bank's channels."""
        return self.online == WHOLE

    @property
    def is_credit(self) -> bool:
        """Return whether it lends: loans, and cards beside the account, which are credit cards."""
        return self.product_class in CREDIT

    def bundling(self, legs: Sequence[Product]) -> Product:
        """Return the bundle with the rating of its legs, the highest of each (孰高)."""
        rated = [leg.risk for leg in legs if leg.risk is not None]
        if not rated:
            return self
        highest = RiskRating(
            issuer=max((one.issuer for one in rated), key=lambda risk: risk.level),
            seller=max((one.seller for one in rated), key=lambda risk: risk.level),
        )
        return self.model_copy(update={"risk": highest})

    def narrowed(self, available: Availability, risk: RiskRating | None) -> Product:
        """Return the product as a shelf narrows it: where both allow it, at the higher of both ratings."""
        rating = self.risk
        if rating is not None and risk is not None:
            rating = RiskRating(
                issuer=max(rating.issuer, risk.issuer, key=lambda one: one.level),
                seller=max(rating.seller, risk.seller, key=lambda one: one.level),
            )
        return self.model_copy(update={"available": self.available.within(available), "risk": rating})


class SolutionVersion(Spec):
    """One version of a solution: what it offers, and the service that goes with it."""

    version: int = Field(ge=1)
    state: Literal["draft", "published", "retired"]
    products: tuple[Key, ...] = Field(min_length=1)
    benefits: tuple[Key, ...] = ()
    scripts: tuple[Key, ...] = Field(min_length=1)
    service: Label | None = None


class Solution(Spec):
    """A solution for a segment (细分客群解决方案), ``solutions/*.yaml``; a campaign takes the newest published version."""

    format: Literal[1]
    solution: Key
    title: Label
    segment: Key | None = None
    versions: tuple[SolutionVersion, ...] = Field(min_length=1)

    @property
    def published(self) -> SolutionVersion | None:
        """Return the newest published version."""
        found = [one for one in self.versions if one.state == "published"]
        return max(found, key=lambda one: one.version, default=None)


class Shelf(Spec):
    """``products.yaml``."""

    format: Literal[1]
    products: tuple[Product, ...]

    @model_validator(mode="after")
    def _bundles_are_rated(self) -> Shelf:
        named = {product.key: product for product in self.products}
        if len(named) < len(self.products):
            raise Unfit("两个产品用了同一个 key；请各用各的", "two products have one key; give each its own")
        for product in self.products:
            unknown = [leg for leg in product.legs if leg not in named or named[leg].legs]
            if unknown:
                raise Unfit(
                    f"组合 {product.key} 的 {unknown[0]} 不是单独的产品",
                    f"the bundle {product.key} has the leg {unknown[0]}, which is no product of its own",
                )
            if product.legs and product.risk is not None:
                raise Unfit(
                    f"组合 {product.key} 的评级取自其组成；请删除 risk",
                    f"the bundle {product.key} takes its rating from its legs; remove risk",
                )
        return self

    @property
    def rated(self) -> dict[str, Product]:
        """Return the products by key, bundles with the rating of their legs."""
        named = {product.key: product for product in self.products}
        return {key: one.bundling([named[leg] for leg in one.legs]) if one.legs else one for key, one in named.items()}
