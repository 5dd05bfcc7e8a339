"""The shelf as it stands at a moment: what was approved for a campaign, less what notices have taken away since.

A notice narrows and never widens: off the shelf, out of a branch, a segment or a channel, up to a higher rating. What a lock
was approved with is the most that its campaign may offer; more than that takes a new lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.loop.product.rules import SENTENCES, SuitabilityRuling, WhyNot, rule_credit, rule_suitability
from bankloop.loop.spec import Availability, Lock, Product, RiskRating

_OPEN = Text("可推介", "open")


@dataclass(frozen=True, slots=True)
class Notice:
    """What holds about one product from ``since`` on, until the next notice about it."""

    product: str
    available: Availability
    risk: RiskRating | None
    since: datetime
    made_by: str = ""

    @property
    def silent(self) -> bool:
        """Return whether it takes nothing away."""
        return self.available == Availability() and self.risk is None


@dataclass(frozen=True, slots=True)
class ShelfInForce:
    """The notices in force, by product; what has none is as its lock or file says."""

    notices: Mapping[str, Notice]

    @property
    def digest(self) -> str:
        """Return what names this state of the shelf: two that take the same away are the same."""
        found = {
            key: [one.available.model_dump(mode="json"), one.risk.model_dump(mode="json") if one.risk else None]
            for key, one in sorted(self.notices.items())
            if not one.silent
        }
        return digest(found)

    def of(self, product: Product) -> Product:
        """Return a product as it is on the shelf now."""
        notice = self.notices.get(product.key)
        return product if notice is None else product.narrowed(notice.available, notice.risk)

    def all_of(self, products: Iterable[Product]) -> tuple[Product, ...]:
        """Return products as they are now, bundles with the ratings that their legs have now."""
        now = {product.key: self.of(product) for product in products}
        return tuple(one.bundling([now[leg] for leg in one.legs]) if one.legs else one for one in now.values())

    def on(self, lock: Lock) -> Lock:
        """Return a lock whose products are as they are now; its digest stays that of what was approved."""
        return replace(lock, products=self.all_of(lock.products)) if self.notices else lock


@dataclass(frozen=True, slots=True)
class LegRuling:
    """One leg of a bundle for one customer, ``party`` being whom it is for: whether it is open, and why or why not."""

    product: Product
    ruling: SuitabilityRuling
    party: str = ""


def in_force(notices: Iterable[Notice], now: datetime) -> ShelfInForce:
    """Return the shelf at a moment: of each product the last notice that has begun."""
    found: dict[str, Notice] = {}
    for notice in sorted(notices, key=lambda one: one.since):
        if notice.since <= now:
            found[notice.product] = notice
    return ShelfInForce(found)


def rule_leg(
    product: Product,
    tolerance: int | None,
    assessed_days_ago: int | None,
    lines: Collection[str],
    age: int | None,
    student: bool | None = None,
) -> SuitabilityRuling:
    """Rule on one leg for a customer, in the name of somebody who may act for ``lines`` of business (``*``: all)."""
    if not product.available.on:
        return SuitabilityRuling(False, WhyNot.OFF_SHELF, SENTENCES[WhyNot.OFF_SHELF])
    if "*" not in lines and product.line not in lines:
        return SuitabilityRuling(False, WhyNot.NO_RIGHT, SENTENCES[WhyNot.NO_RIGHT])
    if product.is_credit and not (ruling := rule_credit(age, student)).open:
        return ruling
    if product.is_investment and product.risk is not None:
        return rule_suitability(tolerance, assessed_days_ago, product.risk.level, age)
    return SuitabilityRuling(True, WhyNot.OPEN, _OPEN)


def propose(
    bundle: Product,
    products: Mapping[str, Product],
    tolerance: int | None,
    assessed_days_ago: int | None,
    lines: Collection[str] = ("*",),
    *,
    age: int | None,
    student: bool | None = None,
) -> tuple[LegRuling, ...]:
    """Return every leg of a bundle with its own result; the bundle is open where all of them are."""
    legs = [products[leg] for leg in bundle.legs] or [bundle]
    return tuple(LegRuling(leg, rule_leg(leg, tolerance, assessed_days_ago, lines, age, student)) for leg in legs)
