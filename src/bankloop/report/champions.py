"""Champion beside challenger as people read it: what each found, what each is worth, what may not get worse."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Estimate
from bankloop.loop.optimize import SURE, Challenger, Comparison
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

_DASH = say.same("—")
_COLUMNS = (
    Column(Text("看什么", "What")),
    Column(Text("现任", "Champion"), number=True),
    Column(Text("挑战者", "Challenger"), number=True),
    Column(Text("差 [95% 区间]", "Difference [95 % interval]"), number=True),
)


def comparison_table(found: Comparison) -> Table:
    """Return one comparison: the lift among the half each would contact, error, off-policy values, guard metrics."""
    rows = [
        (
            Cell(Text("各选一半客户，对照下的提升", "lift among the half each would contact")),
            Cell(say.points(found.champion)),
            Cell(say.points(found.challenger)),
            Cell(_points(found.gain)),
        )
    ]
    if found.plan is not None:
        brings, plan = _money(found.plan.gain), found.plan
        sure = Text(f"把握 {plan.probability:.0%}", f"{plan.probability:.0%} sure")
        words = Text(f"新方案今天多带来（{sure.zh}）", f"the new plan brings more today ({sure.en})")
        rows.append((Cell(words), Cell(_DASH), Cell(_DASH), Cell(brings, Tone.GOOD if plan.sure else Tone.PLAIN)))
        reach = Text("触达：首个方案与新方案", "customers reached: first plan and new plan")
        rows.append(
            (
                Cell(reach),
                Cell(say.count(plan.first)),
                Cell(say.count(plan.reached)),
                Cell(_DASH, Tone.PLAIN if plan.reaches else Tone.BAD),
            )
        )
    if found.error is not None:
        words = Text(
            "离真作用的平方误差（按钱加权），减少", "squared error of the effects (weighted by money), less by"
        )
        rows.append((Cell(words), Cell(_DASH), Cell(_DASH), Cell(_plain(found.error))))
    for one in found.values:
        name = Text(
            f"按抽签者估值（{one.estimator}），每客户", f"value by those drawn by lot ({one.estimator}), a customer"
        )
        won = found.worth if one.estimator == "DR" else None
        cells = (Cell(say.money(one.champion.value)), Cell(say.money(one.challenger.value)))
        rows.append((Cell(name), *cells, Cell(_DASH if won is None else _money(won))))
    for guard in found.guards:
        word = Text("守住", "holds") if guard.ok else Text("没过", "fails")
        title = Text(f"守护：{guard.title.zh}", f"guard: {guard.title.en}")
        numbers = (Cell(say.same(f"{guard.champion:.3f}")), Cell(say.same(f"{guard.challenger:.3f}")))
        rows.append((Cell(title), *numbers, Cell(word, Tone.GOOD if guard.ok else Tone.BAD, tag=True)))
    which_zh, which_en = "、".join(map(str, found.rounds)) or "—", ", ".join(map(str, found.rounds)) or "—"
    note = Text(
        f"新方案今天带来更多的把握到 {SURE:.0%}、触达不少于首个方案的一半、守护指标都守住，才提议换人。误差和估值只供参考："
        f"第 {which_zh} 轮，两者都没学过，每轮只由之前各轮学成的挑战者来考（第一轮分三份互考）。",
        f"A change is proposed where the new plan brings more today with a probability of {SURE:.0%}, reaches half of the "
        f"first plan's customers, and every guard holds. Error and values are information: of rounds {which_en}, on which "
        "neither was trained; each judges a challenger of the rounds before it (a first round in thirds).",
    )
    caption = Text(f"现任与挑战者：{found.rows:,} 行", f"Champion and challenger: {found.rows:,} rows")
    return Table("comparison", caption, _COLUMNS, tuple(rows), note)


def challenger_table(challengers: Mapping[str, Challenger], titles: Mapping[str, Text]) -> Table:
    """Return champion beside challenger, campaign by campaign."""
    rows = tuple(
        (
            Cell(titles.get(name, say.same(name))),
            Cell(say.count(one.comparison.rows)),
            Cell(say.points(one.comparison.champion)),
            Cell(say.points(one.comparison.challenger)),
            Cell(_DASH if one.comparison.plan is None else _money(one.comparison.plan.gain)),
            Cell(one.comparison.sentence, Tone.GOOD if one.comparison.supported else Tone.PLAIN),
        )
        for name, one in challengers.items()
    )
    columns = (
        Column(Text("战役", "Campaign")),
        Column(Text("随机行", "Randomised rows"), number=True),
        Column(Text("现任", "Champion"), number=True),
        Column(Text("挑战者", "Challenger"), number=True),
        Column(Text("新方案多带来 [95% 区间]", "The new plan brings more [95 % interval]"), number=True),
        Column(Text("结论", "In words")),
    )
    note = Text(
        "各按自己的排序联系一半客户，看随机对照下的提升；两份方案在今天的客户和上限下比，带来更多的把握够大才提议换人。",
        "Each contacts the half it ranks first; the lift is against the random control. Both plans are held beside each "
        "other on today's customers and limits; a change is proposed where the new one surely enough brings more.",
    )
    return Table("challengers", Text("现任与挑战者", "Champion and challenger"), columns, rows, note)


def _points(one: Estimate) -> Text:
    return say.same(f"{one.value * 100:+.2f} [{one.low * 100:+.2f}, {one.high * 100:+.2f}] pp".replace("-", "−"))


def _plain(one: Estimate) -> Text:
    return say.same(f"{one.value:+.4f} [{one.low:+.4f}, {one.high:+.4f}]".replace("-", "−"))


def _money(one: Estimate) -> Text:
    value, low, high = say.money(one.value), say.money(one.low), say.money(one.high)
    return Text(f"{value.zh} [{low.zh}, {high.zh}]", f"{value.en} [{low.en}, {high.en}]")
