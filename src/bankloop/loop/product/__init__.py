"""Step 3, 配产品: eligibility and suitability of the shelf's products, every refusal with its reason.

An investment product without a valid assessment is never open, whoever asks. It prices nothing and sends nothing.
"""

from bankloop.loop.product.one import Rulings
from bankloop.loop.product.rules import (
    ASSESSMENT_VALID_DAYS,
    SENTENCES,
    STUDENT,
    SuitabilityRuling,
    WhyNot,
    rule_credit,
    rule_suitability,
)
from bankloop.loop.product.service import (
    ATTRIBUTES_READ,
    RISK_ASSESSMENT,
    Offers,
    match,
    match_products,
    numbers,
    suitability_codes,
)
from bankloop.loop.product.shelf import LegRuling, Notice, ShelfInForce, in_force, propose, rule_leg

__all__ = [
    "ASSESSMENT_VALID_DAYS",
    "ATTRIBUTES_READ",
    "RISK_ASSESSMENT",
    "SENTENCES",
    "STUDENT",
    "LegRuling",
    "Notice",
    "Offers",
    "Rulings",
    "ShelfInForce",
    "SuitabilityRuling",
    "WhyNot",
    "in_force",
    "match",
    "match_products",
    "numbers",
    "propose",
    "rule_credit",
    "rule_leg",
    "rule_suitability",
    "suitability_codes",
]
