"""Pure rules of collaboration: the topics with their desks and times, and what an answer may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bankloop.kit.text import Text
from bankloop.organization.collaboration import errors
from bankloop.organization.collaboration.contracts import RequestKind, Topic
from bankloop.organization.people import BusinessLine
from bankloop.organization.task import Service

_H = timedelta(hours=1)
# A working day has seven hours.
_DAY = 7 * _H
# What a customer waits for at the counter is answered the same day; what needs a committee has three.
_FAST, _PLAIN, _SLOW = Service(_H, _DAY / 2), Service(2 * _H, _DAY), Service(_DAY, 3 * _DAY)

TOPICS: Mapping[str, Topic] = {
    one.key: one
    for one in (
        Topic("corporate_loan", RequestKind.REFERRAL, BusinessLine.CORPORATE, Text("企业贷款", "Company loan"), _SLOW),
        Topic("corporate_account", RequestKind.REFERRAL, BusinessLine.CORPORATE, Text("对公开户与结算", "Company account and payments"), _SLOW),
        Topic("payroll", RequestKind.REFERRAL, BusinessLine.CORPORATE, Text("代发工资", "Payroll"), _SLOW),
        Topic("owner_wealth", RequestKind.REFERRAL, BusinessLine.RETAIL, Text("企业主个人理财", "The owner's own wealth"), _SLOW),
        Topic("owner_loan", RequestKind.REFERRAL, BusinessLine.RETAIL, Text("企业主个人贷款", "The owner's own loan"), _SLOW),
        Topic("visit", RequestKind.SUPPORT, "branch_commander", Text("分行陪访与协调", "The branch comes along"), _PLAIN),
        Topic("pricing", RequestKind.SUPPORT, "product_manager", Text("利率与费率", "Rates and fees"), _FAST),
        Topic("product", RequestKind.SUPPORT, "product_manager", Text("产品答疑", "Questions on a product"), _PLAIN),
        Topic("wording", RequestKind.SUPPORT, "compliance_reviewer", Text("话术与合规", "Wording and compliance"), _PLAIN),
        Topic("benefit", RequestKind.SUPPORT, "benefit_owner", Text("权益补发与核销", "Benefits missing or refused"), _PLAIN),
        Topic("data", RequestKind.SUPPORT, "data_steward", Text("客户资料更正", "Customer data to be put right"), _SLOW),
    )
}  # fmt: skip
# The middle office of each branch stands under it; every other desk is one for the bank.
AT_BRANCH = frozenset({"branch_commander"})
# How an answer may read, and the outcome of a task that it is.
ANSWERS: Mapping[RequestKind, Mapping[str, Text]] = {
    RequestKind.REFERRAL: {
        "sold": Text("已办成", "done, it came about"),
        "considering": Text("跟进中", "being followed up"),
        "declined": Text("未办成", "it did not come about"),
    },
    RequestKind.SUPPORT: {
        "done": Text("已答复", "answered"),
        "considering": Text("还需补充", "more is needed"),
        "declined": Text("不予支持", "refused"),
    },
}


def topic_of(key: str, kind: RequestKind) -> Topic:
    """Return a topic; raise ``InputError`` naming those of the kind."""
    found = TOPICS.get(key)
    if found is None or found.kind is not kind:
        raise errors.no_topic(key, [one.key for one in TOPICS.values() if one.kind is kind])
    return found


def answer_of(kind: RequestKind, code: str) -> Text:
    """Return what an answer says; raise ``InputError`` naming those of the kind."""
    if code not in ANSWERS[kind]:
        raise errors.no_answer(code, list(ANSWERS[kind]))
    return ANSWERS[kind][code]
