"""Suitability (适当性), pure: may this customer be shown this product, and why not. Default deny.

Source: 金融机构产品适当性管理办法 (金管总局令 2025 年第 7 号) for the higher-of rule and the duty to check; the C/R table is
the practice of securities and fund sales.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bankloop.customer.ages import ADULT
from bankloop.kit.text import Text

# A risk assessment is valid for twelve months.
ASSESSMENT_VALID_DAYS = 365
# From this age on nothing of high risk is offered, whatever the assessment says; who asks for it is another matter.
PROTECTED_AGE, HIGH_RISK = 60, 4


class WhyNot(StrEnum):
    """Why a product is not open to a customer; the empty one means it is."""

    OPEN = ""
    NOT_ELIGIBLE = "not_eligible"
    OFF_SHELF = "off_shelf"
    ASSESSMENT_MISSING = "assessment_missing"
    ASSESSMENT_EXPIRED = "assessment_expired"
    RISK_MISMATCH = "risk_mismatch"
    AGE_UNKNOWN = "age_unknown"
    MINOR = "minor"
    STUDENT = "student"
    AGED = "aged"
    NOT_HERE = "not_here"
    NO_RIGHT = "no_right"


SENTENCES = {
    WhyNot.OPEN: Text("可推介：风险承受能力 C{tolerance} ≥ 产品风险 R{risk}", "open: risk tolerance C{tolerance} ≥ product risk R{risk}"),
    WhyNot.NOT_ELIGIBLE: Text("不符合产品条件", "does not meet the product's conditions"),
    WhyNot.OFF_SHELF: Text("产品已下架", "the product is off the shelf"),
    WhyNot.ASSESSMENT_MISSING: Text("没有风险测评：请先完成测评", "no risk assessment: complete one first"),
    WhyNot.ASSESSMENT_EXPIRED: Text(
        f"风险测评已超过 {ASSESSMENT_VALID_DAYS} 天：请重新测评",
        f"the risk assessment is older than {ASSESSMENT_VALID_DAYS} days: repeat it",
    ),
    WhyNot.RISK_MISMATCH: Text("风险不匹配：C{tolerance} < R{risk}", "risk mismatch: C{tolerance} < R{risk}"),
    WhyNot.AGE_UNKNOWN: Text("年龄未知：请先补录出生日期", "age unknown: enter the birth date first"),
    WhyNot.MINOR: Text(f"未满 {ADULT} 周岁，不提供信贷", f"under {ADULT}: no credit is offered"),
    WhyNot.STUDENT: Text("在校学生，不营销信贷", "a student: no credit is marketed to students"),
    WhyNot.AGED: Text(
        f"{PROTECTED_AGE} 周岁及以上，不主动推介 R{HIGH_RISK} 及以上产品",
        f"aged {PROTECTED_AGE} or more: nothing of R{HIGH_RISK} or above is offered",
    ),
    WhyNot.NOT_HERE: Text("本网点或本客群不提供", "not offered in this branch or segment"),
    WhyNot.NO_RIGHT: Text("没有该条线的权限：请转介给有权的同事", "no right to this line of business: refer to a colleague who has it"),
}  # fmt: skip


# The bank's own yes-or-no attribute, where it has one: who studies, as a campus account tells it.
STUDENT = "student"


@dataclass(frozen=True, slots=True)
class SuitabilityRuling:
    """An answer with its reason."""

    open: bool
    reason: WhyNot
    sentence: Text


def rule_suitability(
    tolerance: int | None, assessed_days_ago: int | None, risk: int, age: int | None
) -> SuitabilityRuling:
    """Rule on an investment product of risk level 1 … 5 for a customer of tolerance 1 … 5 (None: never assessed).

    Of high risk nothing is offered to who is 60 or older, nor to whose ``age`` (whole years) nobody knows.
    """
    if tolerance is None or assessed_days_ago is None or assessed_days_ago < 0:
        reason = WhyNot.ASSESSMENT_MISSING
    elif assessed_days_ago > ASSESSMENT_VALID_DAYS:
        reason = WhyNot.ASSESSMENT_EXPIRED
    elif tolerance < risk:
        reason = WhyNot.RISK_MISMATCH
    elif risk >= HIGH_RISK and (age is None or age >= PROTECTED_AGE):
        reason = WhyNot.AGE_UNKNOWN if age is None else WhyNot.AGED
    else:
        reason = WhyNot.OPEN
    return SuitabilityRuling(reason is WhyNot.OPEN, reason, SENTENCES[reason].filled(tolerance=tolerance, risk=risk))


def rule_credit(age: int | None, student: bool | None) -> SuitabilityRuling:
    """Rule on credit for a customer: none for minors, for students and for whose age nobody knows.

    Source: 银保监会等 2021 年《关于进一步规范大学生互联网消费贷款监督管理工作的通知》 for students.
    """
    if age is None:
        reason = WhyNot.AGE_UNKNOWN
    elif age < ADULT:
        reason = WhyNot.MINOR
    else:
        reason = WhyNot.STUDENT if student else WhyNot.OPEN
    return SuitabilityRuling(reason is WhyNot.OPEN, reason, SENTENCES[reason])
