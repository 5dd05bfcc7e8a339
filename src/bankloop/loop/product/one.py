"""What is open to one customer: the batch's rulings as a function of one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bankloop.kit.expression import parse, to_function
from bankloop.loop.product.rules import STUDENT, WhyNot, rule_credit, rule_suitability
from bankloop.loop.product.service import RISK_ASSESSMENT
from bankloop.loop.spec import Lock, Product

_WAITING = (WhyNot.ASSESSMENT_MISSING, WhyNot.ASSESSMENT_EXPIRED)


@dataclass(frozen=True, slots=True)
class Rulings:
    """A lock's products with their conditions compiled."""

    products: tuple[Product, ...]
    eligible: Mapping[str, Callable[[Mapping[str, Any]], Any]]
    segments: Mapping[str, Callable[[Mapping[str, Any]], Any]]

    @staticmethod
    def of(lock: Lock) -> Rulings:
        """Compile the conditions of a lock's products and of the policies' segments."""
        eligible = {p.key: to_function(parse(p.eligible, lock.types)) for p in lock.products if p.eligible is not None}
        segments = {key: to_function(parse(one.where, lock.types)) for key, one in lock.policies.segments.items()}
        return Rulings(lock.products, eligible, segments)

    def reasons(self, row: Mapping[str, Any]) -> dict[str, WhyNot]:
        """Return why (or that) each product is open to a customer; equals ``match`` on the same row."""
        found = {product.key: self._reason(product, row) for product in self.products}
        for product in self.products:
            for leg in product.legs:
                if found[product.key] is WhyNot.OPEN:
                    found[product.key] = found[leg]
        if RISK_ASSESSMENT in found:
            investments = [found[product.key] for product in self.products if product.is_investment]
            invited = bool(investments) and all(reason in _WAITING for reason in investments)
            found[RISK_ASSESSMENT] = WhyNot.OPEN if invited else WhyNot.NOT_ELIGIBLE
        return found

    def open_to(self, row: Mapping[str, Any]) -> dict[str, bool]:
        """Return whether each product is open to a customer."""
        return {key: reason is WhyNot.OPEN for key, reason in self.reasons(row).items()}

    def _reason(self, product: Product, row: Mapping[str, Any]) -> WhyNot:
        where = product.available
        if not where.on:
            return WhyNot.OFF_SHELF
        if where.branches is not None and row.get("branch_id") not in where.branches:
            return WhyNot.NOT_HERE
        named = [self.segments[key] for key in where.segments or () if key in self.segments]
        if where.segments is not None and not any(met(row) is True for met in named):
            return WhyNot.NOT_HERE
        if product.is_credit and not (ruling := rule_credit(row.get("age"), row.get(STUDENT))).open:
            return ruling.reason
        if product.key in self.eligible and self.eligible[product.key](row) is not True:
            return WhyNot.NOT_ELIGIBLE
        if product.is_investment and product.risk is not None:
            assessed = row.get("risk_tolerance"), row.get("days_since_risk_assessment")
            return rule_suitability(*assessed, product.risk.level, row.get("age")).reason
        return WhyNot.OPEN
