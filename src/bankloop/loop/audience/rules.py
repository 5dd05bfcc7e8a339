"""The standard exclusions, in the order in which they are counted; a campaign cannot switch them off.

Consent comes first, because without it nothing else matters. A condition that cannot be known excludes (default deny),
except where NULL has a meaning of its own, which the condition then says.
"""

from __future__ import annotations

from bankloop.customer.ages import ADULT
from bankloop.kit.text import Text
from bankloop.loop.audience.contracts import Exclusion, Visibility

# 客户投诉后的静默期: after a complaint a customer is left in peace for a quarter.
COMPLAINT_SILENCE_DAYS = 90
# How much of a related default must reach somebody for marketing to leave them in peace.
RELATION_RISK = "0.3"

IN_OTHER_CAMPAIGN = "in_other_campaign"
BRANCH = "branch"

EXCLUSIONS: tuple[Exclusion, ...] = (
    Exclusion("no_consent", Text("无营销同意", "No marketing consent"), "not marketing_consent"),
    Exclusion("do_not_contact", Text("免打扰名单", "Do-not-contact list"), "do_not_contact"),
    Exclusion("no_personalisation", Text("拒绝个性化", "Declined personalisation"), "personalisation_off"),
    Exclusion("bad_number", Text("号码无效", "Invalid number"), "not phone_valid"),
    Exclusion("staff", Text("员工及亲属", "Staff and relatives"), "is_staff or is_staff_relative"),
    # Whose birth date is missing is no minor, and is asked for it: until then nobody markets to them.
    Exclusion("age_unknown", Text("年龄未知（缺出生日期）", "Age unknown (no birth date)"), "age is null"),
    Exclusion("minor", Text("未成年人", "Minors"), f"age < {ADULT}"),
    Exclusion("overdue", Text("贷款逾期", "Loan overdue"), "overdue_days > 0"),
    Exclusion(
        "complaint_silence",
        Text(
            f"投诉静默期（{COMPLAINT_SILENCE_DAYS} 天）", f"Silence after a complaint ({COMPLAINT_SILENCE_DAYS} days)"
        ),
        f"days_since_complaint is not null and days_since_complaint < {COMPLAINT_SILENCE_DAYS}",
    ),
    Exclusion("frozen", Text("账户冻结", "Account frozen"), "frozen", Visibility.CONFIDENTIAL),
    # Nobody learns from an audience that a relative or a firm defaulted.
    Exclusion(
        "relation_risk",
        Text("关联方违约", "A related party in default"),
        f"coalesce(relation_risk, 0) >= {RELATION_RISK}",
        Visibility.CONFIDENTIAL,
    ),
    Exclusion("watchlist", Text("关注名单", "Watch list"), "watchlist", Visibility.CONFIDENTIAL),
)
