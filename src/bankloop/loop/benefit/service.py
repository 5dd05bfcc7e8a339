"""Step 4, 定权益: what may be given with what, by a matrix with citations; default deny."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bankloop.kit.errors import SpecError
from bankloop.kit.located import read_located
from bankloop.kit.text import Text
from bankloop.loop.spec import NO_BENEFIT, Benefit, Campaign, Lock, Product

_DENIED = Text("“{product}”属于{kind}类，不在允许矩阵里：默认不得附赠", "'{product}' is of class {kind}, which the matrix does not allow: denied by default")  # fmt: skip


@dataclass(frozen=True, slots=True)
class BenefitRuling:
    """Whether a benefit may accompany a product, the rule's id and its citation."""

    allowed: bool
    rule: str
    citation: Text


def rule_benefit(product: Product, benefit: Benefit) -> BenefitRuling:
    """Rule on one pair by the matrix; what the matrix does not allow is forbidden."""
    matrix = _matrix()
    if benefit.kind in matrix["allowed"].get(product.product_class, ()):
        return BenefitRuling(True, "matrix", Text("允许矩阵", "allowed by the matrix"))
    cited = matrix["forbidden"].get(product.product_class)
    if cited is None:
        text = _DENIED.filled(product=product.title.text, kind=product.product_class)
        return BenefitRuling(False, "default-deny", text)
    return BenefitRuling(False, cited["rule"], Text(cited["zh"], cited["en"]))


def attach(lock: Lock) -> dict[str, tuple[Benefit | None, ...]]:
    """Return, per product of the lock, the benefits that may accompany it; None is no benefit."""
    named = {benefit.key: benefit for benefit in lock.benefits}
    chosen = [named.get(key) for key in lock.campaign.benefits if key in named or key == NO_BENEFIT]
    return {
        product.key: tuple(b for b in chosen if b is None or rule_benefit(product, b).allowed)
        for product in lock.products
    }


def discount_fen(benefit: Benefit, order_fen: int) -> int:
    """Return what a benefit takes off an order, fen: its face from the threshold on, never more than the order."""
    return min(benefit.face, order_fen) if order_fen >= max(benefit.threshold, 1) else 0


def check_benefits(campaign: Campaign, products: list[Product], benefits: list[Benefit]) -> None:
    """Refuse a campaign that ties a benefit to a product for which it is forbidden; the message cites the rule."""
    for product in products:
        for benefit in benefits:
            ruling = rule_benefit(product, benefit)
            if product.key in campaign.products and not ruling.allowed:
                raise SpecError(
                    "benefit.forbidden",
                    Text(
                        "战役 {campaign}：权益“{benefit}”不得用于“{product}”。依据 {rule}：{citation}。请从 benefits 中删除",
                        "campaign {campaign}: the benefit '{benefit}' may not accompany '{product}'. "
                        "Rule {rule}: {citation}. Remove it from benefits",
                    ),
                    campaign=campaign.campaign,
                    benefit=benefit.title.text,
                    product=product.title.text,
                    rule=ruling.rule,
                    citation=ruling.citation,
                )


@cache
def _matrix() -> dict[str, Any]:
    return read_located(Path(__file__).parent / "matrix.yaml").content
