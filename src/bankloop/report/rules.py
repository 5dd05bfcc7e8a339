"""The bank's own ways to choose beside the plan, in words: whom they contact instead, what that brings, how surely.

Valued by the posterior of the campaign's model before the round, and measured by the round's outcomes after it. A rule
that is as good is called so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Estimate, Reading, RuleReading, RuleVerdict
from bankloop.loop.round.rules import MOST_ROUNDS, RuleLine
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

_DASH = say.same("—")


def rule_table(lines: tuple[RuleLine, ...], titles: Mapping[str, Text]) -> Table | None:
    """Return the rules beside the plan, as people read them."""
    if not lines:
        return None
    rows = tuple(_rule_row(titles.get(one.campaign, say.same(one.campaign)), one) for one in lines)
    columns = (
        Column(Text("战役 · 自己的规则", "Campaign · your own rule")),
        Column(Text("给了别人", "Given to others"), number=True),
        Column(Text("方案比规则多 [95%]", "The plan above [95 %]"), number=True),
        Column(Text("把握，量得出吗", "How surely, can it be measured")),
    )
    note = Text(
        "按模型的后验估值，渠道、次数和上限都一样：先验写高了，差额也偏高。量得出与否：只有方案联系的人看对照组，"
        "只有规则联系的人看抽签组。",
        "Valued by the model's posterior, with the same channel, contacts and limits: where the stated prior is too "
        "high, so is the difference. Whether it can be measured: of those whom the plan alone contacts the control "
        "tells, of those whom the rule alone does the lot.",
    )
    return Table("rules", Text("方案与自己的规则", "The plan and your own rules"), columns, rows, note)


def _rule_row(campaign: Text, one: RuleLine) -> tuple[Cell, ...]:
    (said, tone), measured = _verdict(one), _measured(one)
    both = Text(f"{said.zh}；{measured.zh}", f"{said.en}; {measured.en}") if one.differ else said
    return (
        Cell(Text(f"{campaign.zh} · {one.zh}", f"{campaign.en} · {one.en}")),
        Cell(say.same(f"{one.differ:,} / {one.contacts:,}")),
        Cell(_in_money(one.gain, one.low, one.high)),
        Cell(both, tone),
    )


def _in_money(value: float, least: float, most: float) -> Text:
    gain, low, high = say.money(value, sign=True), say.money(least), say.money(most)
    return Text(f"{gain.zh} [{low.zh}, {high.zh}]", f"{gain.en} [{low.en}, {high.en}]")


def _verdict(one: RuleLine) -> tuple[Text, Tone]:
    match one.verdict:
        case RuleVerdict.SAME:
            return Text("规则给的是同样的人", "the rule contacts the same people"), Tone.PLAIN
        case RuleVerdict.PLAN:
            sure = f"{one.probability:.0%}"
            return Text(f"方案更好，把握 {sure}", f"the plan is better, {sure}"), Tone.GOOD
        case RuleVerdict.RULE:
            return _rule_better(one), Tone.BAD
        case _:
            return _as_good(one), Tone.WARN


def _as_good(one: RuleLine) -> Text:
    if not one.unknown_signs:
        return Text("规则一样好", "the rule is as good")
    return Text(
        f"规则一样好：方案价值的 {one.unsure:.0%} 来自不知是利是弊的客户",
        f"the rule is as good: {one.unsure:.0%} of the plan's value is of people whom it may help or hurt",
    )


def _rule_better(one: RuleLine) -> Text:
    """Say that the rule is better, and why: what a contact brings with whose people, and who got another campaign."""
    plan, rule, sure = say.money(one.each[0]), say.money(one.each[1]), f"{1 - one.probability:.0%}"
    zh, en = (
        f"规则更好，把握 {sure}：联系一次，只有规则联系的人带来 {rule.zh}，只有方案联系的人 {plan.zh}",
        f"the rule is better, {sure}: a contact brings {rule.en} with its own people, {plan.en} with the plan's",
    )
    if one.elsewhere:
        zh += f"；其中 {one.elsewhere:,} 人方案给了别的战役"
        en += f"; {one.elsewhere:,} of its people got another campaign"
    return Text(zh, en)


def _measured(one: RuleLine) -> Text:
    if not one.rounds:
        return Text(
            f"这个规模说不清：要 {MOST_ROUNDS} 轮以上",
            f"cannot be told at this size: more than {MOST_ROUNDS} rounds",
        )
    if one.rounds == 1:
        return Text("一轮可读", "one round tells")
    return Text(
        f"这个规模一轮说不清：要 {one.rounds} 轮", f"cannot be told in one round at this size: {one.rounds} rounds"
    )


_BETTER = {
    RuleVerdict.PLAN: (Text("方案更好", "The plan"), Tone.GOOD),
    RuleVerdict.RULE: (Text("规则更好", "The rule"), Tone.BAD),
    RuleVerdict.SAME: (Text("一样的人", "The same people"), Tone.PLAIN),
    RuleVerdict.UNTOLD: (Text("说不清", "Cannot be told"), Tone.WARN),
    RuleVerdict.UNREADABLE: (Text("说不清", "Cannot be told"), Tone.WARN),
}


def measured_table(readings: Sequence[Reading], titles: Mapping[str, Text]) -> Table:
    """Return the bank's own rules beside the plan as measured, of each campaign's reading that says most."""
    rows = tuple(_measured_row(titles[reading.campaign], one) for reading in readings for one in reading.rules)
    columns = (
        Column(Text("战役 · 自己的规则", "Campaign · your own rule")),
        Column(Text("更好的是", "Better")),
        Column(Text("实测 [95%]", "Measured [95 %]"), number=True),
        Column(Text("事先估计 [95%]", "Expected [95 %]"), number=True),
        Column(Text("各自独有（有效）", "Each alone (effective)"), number=True),
        Column(Text("怎么说", "In words")),
    )
    note = Text(
        "方案比规则多带来的钱，同样的渠道、次数和上限。各自独有：只有方案、只有规则联系的人数；其中由随机决定的，"
        "折合成对半抽签是有效人数，方案的人对对照组，规则的人看抽签组。双重稳健，扣成本后；同一战役的规则一起校正。",
        "What the plan brought above the rule, with the same channel, contacts and limits. Each alone: whom only the "
        "plan, and only the rule, contacts; effective are those whom chance decided on, as if drawn evenly: the plan's "
        "people against the control, the rule's by the lot. Doubly robust, after costs; a campaign's rules adjusted "
        "together.",
    )
    return Table(
        "measured_rules", Text("方案与自己的规则：实测", "The plan and your own rules, measured"), columns, rows, note
    )


def _measured_row(campaign: Text, one: RuleReading) -> tuple[Cell, ...]:
    plan, rule = one.effective
    return (
        Cell(Text(f"{campaign.zh} · {one.title.zh}", f"{campaign.en} · {one.title.en}")),
        Cell(*_BETTER[one.verdict], tag=True),
        Cell(_DASH if one.measured is None else _interval(one.measured)),
        Cell(_interval(one.expected)),
        Cell(say.same(f"{one.plan_only:,} ({plan:,.0f}) · {one.rule_only:,} ({rule:,.0f})")),
        Cell(one.sentence),
    )


def _interval(one: Estimate) -> Text:
    return _in_money(one.value, one.low, one.high)
