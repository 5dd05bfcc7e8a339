"""The errors of tiers: place, reason and cure."""

from __future__ import annotations

from datetime import date

from bankloop.kit.errors import ConflictError, SpecError
from bankloop.kit.text import Text


def tier_spec(place: str, zh: str, en: str) -> SpecError:
    """A rule of tiers that cannot be."""
    return SpecError(
        "tier.rule",
        Text("{place}：分层规则：{reason}", "{place}: rule of tiers: {reason}"),
        place=place,
        reason=Text(zh, en),
    )


def not_over(month: date) -> ConflictError:
    """A month that is not over."""
    return ConflictError(
        "tier.not_over",
        Text("{month} 还没有结束；次月再关账", "{month} is not over; close it in the month after"),
        month=month.strftime("%Y-%m"),
    )


def no_balances(month: date) -> ConflictError:
    """A month of which no balances are known."""
    return ConflictError(
        "tier.no_balances",
        Text("没有 {month} 的持有数据；请先装载", "no holdings of {month} are known; load them first"),
        month=month.strftime("%Y-%m"),
    )


def not_approved() -> ConflictError:
    """A bank's own rules before they were approved."""
    return ConflictError(
        "tier.not_approved",
        Text("本行的 tiers.yaml 还没有批准；用 bankloop tier submit 提交", "the bank's tiers.yaml is not approved; submit it with bankloop tier submit"),
    )  # fmt: skip


def nothing_own() -> ConflictError:
    """Nothing to be approved: the bank has no rules of its own."""
    return ConflictError(
        "tier.nothing_own",
        Text("没有 tiers.yaml，用的是自带规则，无需审批", "there is no tiers.yaml: the rules that ship are in force and need no approval"),
    )  # fmt: skip
